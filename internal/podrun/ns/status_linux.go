package ns

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"

	"github.com/causeway-access/causeway/internal/podrun"
	"github.com/causeway-access/causeway/internal/podrun/disk"
	"github.com/causeway-access/causeway/internal/podrun/ns/wire"
)

// sandbox reads what is known of one.
func (r *Runtime) sandbox(id string) (podrun.Sandbox, error) {
	var state sandboxState
	err := wire.Load(r.path(id, wire.SandboxFile), &state)
	if errors.Is(err, fs.ErrNotExist) {
		return podrun.Sandbox{}, fmt.Errorf("sandbox %s: %w", id, podrun.ErrNotFound)
	}
	if err != nil {
		return podrun.Sandbox{}, err
	}
	s := podrun.Sandbox{
		ID: id, Config: state.Config, Created: state.Created, Ready: !state.Stopped && r.ready(id), IPs: state.addresses(),
	}
	entries, err := os.ReadDir(r.path(id, wire.ContainersDir))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return s, err
	}
	for _, e := range entries {
		c, err := r.container(e.Name())
		if errors.Is(err, podrun.ErrNotFound) {
			continue // being made or removed
		}
		if err != nil {
			return s, err
		}
		s.Containers = append(s.Containers, c)
	}
	slices.SortFunc(s.Containers, func(a, b podrun.Container) int {
		return cmp.Or(a.Created.Compare(b.Created), cmp.Compare(a.ID, b.ID))
	})
	return s, nil
}

// ready says whether the init process lives and has begun to answer.
func (r *Runtime) ready(id string) bool {
	var p process
	if err := wire.Load(r.path(id, wire.ProcessFile), &p); err != nil || !p.alive() {
		return false
	}
	_, err := os.Stat(r.path(id, wire.Socket))
	return err == nil
}

// container reads what is known of one. One that ran in a pod whose init
// process has ended runs no more, though nobody has written it down.
func (r *Runtime) container(id string) (podrun.Container, error) {
	sandbox, err := sandboxOf(id)
	if err != nil {
		return podrun.Container{}, err
	}
	var state containerState
	err = wire.Load(r.containerPath(id, wire.ContainerFile), &state)
	if errors.Is(err, fs.ErrNotExist) {
		return podrun.Container{}, fmt.Errorf("container %s: %w", id, podrun.ErrNotFound)
	}
	if err != nil {
		return podrun.Container{}, err
	}
	c := podrun.Container{
		ID: id, Sandbox: sandbox, Config: state.Config, ImageID: state.ImageID, Created: state.Created, State: podrun.Created,
	}
	// Asked before the state is read: a container ends first, init after it.
	ready := r.ready(sandbox)
	var run wire.State
	switch err := wire.Load(r.containerPath(id, wire.StateFile), &run); {
	case err == nil:
		c.State, c.Started, c.Finished = run.State, run.Started, run.Finished
		c.ExitCode, c.Reason, c.Message = run.ExitCode, run.Reason, run.Message
	case !errors.Is(err, fs.ErrNotExist):
		return c, err
	}
	if c.State == podrun.Running && !ready {
		c.State, c.ExitCode, c.Reason = podrun.Exited, 137, podrun.ReasonUnknown
		c.Message = "the pod's sandbox has ended, and the container with it"
		if info, err := os.Stat(r.path(sandbox, wire.SandboxFile)); err == nil {
			c.Finished = info.ModTime()
		}
	}
	return c, nil
}

// Written implements [podrun.Containers].
func (r *Runtime) Written(ctx context.Context, sandbox string) (map[string]disk.Use, error) {
	if err := valid(sandbox); err != nil {
		return nil, err
	}
	s, err := r.sandbox(sandbox)
	if err != nil {
		return nil, err
	}
	all := map[string]disk.Use{}
	for _, c := range s.Containers {
		use, err := disk.Of(ctx, r.containerPath(c.ID, "upper"))
		if err != nil && !errors.Is(err, disk.ErrTooDeep) {
			return nil, fmt.Errorf("what the container %s has written: %w", c.Config.Name, err)
		}
		all[c.ID] = use
	}
	return all, nil
}

// Stats implements [podrun.Containers].
func (r *Runtime) Stats(_ context.Context, sandbox string) (podrun.Stats, error) {
	if err := valid(sandbox); err != nil {
		return podrun.Stats{}, err
	}
	s, err := r.sandbox(sandbox)
	if err != nil {
		return podrun.Stats{}, err
	}
	stats := r.groups.Stats(sandbox)
	stats.Containers = map[string]podrun.Stats{}
	for _, c := range s.Containers {
		if c.State == podrun.Running {
			stats.Containers[c.Config.Name] = r.groups.Stats(path.Join(sandbox, wire.ContainerGroup(c.ID)))
		}
	}
	return stats, nil
}
