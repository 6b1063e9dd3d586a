package proxy

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"

	"golang.org/x/sync/errgroup"
	"k8s.io/client-go/kubernetes"
)

// profile takes a CPU profile of Causeway under the load of a case, if it was
// asked for. The first case's is in the file itself, that of another one in
// FILE.CASE.
func (b *bench) profile(ctx context.Context, c caseOf, subjects []*subject) error {
	i := slices.IndexFunc(subjects, func(s *subject) bool { return s.name == "causeway" })
	if b.Profile == "" || i < 0 {
		return nil
	}
	file := b.Profile
	if b.profiled {
		file += "." + c.name
	}
	b.profiled = true
	client, err := kubernetes.NewForConfig(b.admin)
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		_, err := c.load(ctx, b, subjects[i], b.Window+c.warm)
		return err
	})
	group.Go(func() error {
		text, err := client.CoreV1().RESTClient().Get().AbsPath("/debug/pprof/profile").
			Param("seconds", strconv.Itoa(int(b.Window.Seconds()))).DoRaw(ctx)
		if err != nil {
			return fmt.Errorf("fetch a CPU profile: %w", err)
		}
		say("%s: CPU profile in %s", c.title, file)
		return os.WriteFile(file, text, 0o644)
	})
	return group.Wait()
}
