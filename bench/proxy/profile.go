package proxy

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"

	"golang.org/x/sync/errgroup"
	"k8s.io/client-go/kubernetes"

	"github.com/causeway-access/causeway/bench/profile"
)

// profile takes a CPU profile of Causeway under the load of a case, if it was
// asked for. The first case's is in the file itself, that of another one in
// FILE.CASE.
func (b *bench) profile(ctx context.Context, c caseOf, subjects []*subject) error {
	i := slices.IndexFunc(subjects, func(s *subject) bool { return s.name == causewayName })
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
	group, inGroup := errgroup.WithContext(ctx)
	group.Go(func() error {
		_, err := c.load(inGroup, b, subjects[i], b.Window+c.warm)
		return err
	})
	group.Go(func() error {
		text, err := client.CoreV1().RESTClient().Get().AbsPath("/debug/pprof/profile").
			Param("seconds", strconv.Itoa(int(b.Window.Seconds()))).DoRaw(inGroup)
		if err != nil {
			return fmt.Errorf("fetch a CPU profile: %w", err)
		}
		say("%s: CPU profile in %s", c.title, file)
		return os.WriteFile(file, text, 0o644)
	})
	if err := group.Wait(); err != nil {
		return err
	}
	return b.recordParts(ctx, c, file)
}

// recordParts says where the time of a request goes: shares of the profile, of
// the time that was measured. A profile sees a little less than all of it.
func (b *bench) recordParts(ctx context.Context, c caseOf, file string) error {
	traces, err := exec.CommandContext(ctx, "go", "tool", "pprof", "-traces", b.Program, file).Output()
	if err != nil {
		return fmt.Errorf("read the CPU profile by go tool pprof: %w", err)
	}
	parts, err := profile.Parts(string(traces))
	if err != nil {
		return err
	}
	cpu := b.samples.median(Figure{Case: c.title, Subject: causewayName, Name: "CPU", Unit: c.cpuUnit(), Compare: true})
	for _, p := range parts {
		b.samples.Add(Figure{Case: "Causeway's CPU, " + c.title, Subject: p.Name, Name: "CPU", Unit: c.cpuUnit()}, p.Share*cpu)
		b.samples.Add(Figure{Case: "Causeway's CPU, " + c.title, Subject: p.Name, Name: "share", Unit: "%"}, 100*p.Share)
	}
	return nil
}
