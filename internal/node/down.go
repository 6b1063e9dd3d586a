package node

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/causeway-access/causeway/internal/node/outward"
	"github.com/causeway-access/causeway/internal/node/volume"
	"github.com/causeway-access/causeway/internal/podrun"
)

// Ended is a pod that EndPods has ended.
type Ended struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
}

// EndPods ends the pods that run on a node without its agent, and returns them.
// Nothing of them is left but their images; their logs go, too.
// Dir is the node's, runtimeEndpoint as in [Config]. Each container has grace to
// end by itself.
func EndPods(ctx context.Context, dir, runtimeEndpoint string, grace time.Duration) ([]Ended, error) {
	ended := []Ended{}
	dir, err := filepath.Abs(dir) // as the agent knows it
	if err != nil {
		return ended, err
	}
	c := &Config{Dir: dir, RuntimeEndpoint: runtimeEndpoint}
	if _, err := os.Stat(c.path(RunDir)); errors.Is(err, fs.ErrNotExist) {
		return ended, nil // there has never been a node
	}
	r, err := c.open(ctx, netip.Prefix{})
	if err != nil {
		return ended, fmt.Errorf("opening the runtime of pods: %w", err)
	}
	sandboxes, err := r.List(ctx)
	if err != nil {
		return ended, errors.Join(fmt.Errorf("listing pods: %w", err), r.Close())
	}
	errs := make([]error, len(sandboxes))
	var all sync.WaitGroup
	for i, s := range sandboxes {
		all.Go(func() { errs[i] = endPod(ctx, r, s, grace) })
		ended = append(ended, Ended{s.Config.Namespace, s.Config.Name})
	}
	all.Wait()
	err = errors.Join(append(errs, r.Close())...)
	if err == nil {
		err = errors.Join(volume.Clear(c.path(volumesDir)), c.clearRoutes(), outward.Remove(c.mark()),
			os.RemoveAll(c.path(stateDir)), os.RemoveAll(c.path(logsDir)))
	}
	return ended, err
}

func endPod(ctx context.Context, r podRuntime, s podrun.Sandbox, grace time.Duration) error {
	var errs []error
	var mu sync.Mutex
	var all sync.WaitGroup
	for _, c := range s.Containers {
		all.Go(func() {
			if err := r.StopContainer(ctx, c.ID, grace); err != nil {
				mu.Lock()
				defer mu.Unlock()
				errs = append(errs, err)
			}
		})
	}
	all.Wait()
	if err := errors.Join(append(errs, r.RemoveSandbox(ctx, s.ID))...); err != nil {
		return fmt.Errorf("ending pod %s/%s: %w", s.Config.Namespace, s.Config.Name, err)
	}
	return nil
}
