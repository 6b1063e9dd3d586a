package ns

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"
	"time"

	"github.com/causeway-access/causeway/internal/podrun"
	"github.com/causeway-access/causeway/internal/podrun/image"
	"github.com/causeway-access/causeway/internal/podrun/ns/pod"
	"github.com/causeway-access/causeway/internal/podrun/ns/wire"
)

// containerState is what is kept of a container, beside what init writes.
type containerState struct {
	Config  podrun.ContainerConfig
	ImageID string
	Created time.Time
}

// sandboxOf is the sandbox that a container's ID names.
func sandboxOf(id string) (string, error) {
	sandbox, name, ok := strings.Cut(id, ".")
	if !ok || name == "" || strings.ContainsAny(id, "/\x00") {
		return "", fmt.Errorf("container %q: %w", id, podrun.ErrNotFound)
	}
	return sandbox, valid(sandbox)
}

func (r *Runtime) containerPath(id string, names ...string) string {
	sandbox, _, _ := strings.Cut(id, ".")
	return r.path(sandbox, append([]string{wire.ContainersDir, id}, names...)...)
}

// CreateContainer implements [podrun.Containers].
func (r *Runtime) CreateContainer(_ context.Context, sandbox string, config podrun.ContainerConfig) (string, error) {
	if err := valid(sandbox); err != nil {
		return "", err
	}
	defer r.hold(sandbox)()
	s, err := r.sandbox(sandbox)
	if err != nil {
		return "", err
	}
	if !s.Ready {
		return "", fmt.Errorf("creating the container %s in %s: %w", config.Name, sandbox, podrun.ErrNotReady)
	}
	id := fmt.Sprintf("%s.%s.%d", sandbox, config.Name, config.Attempt)
	if _, err := sandboxOf(id); err != nil {
		return "", fmt.Errorf("%q is no name of a container", config.Name)
	}
	if err := r.makeContainer(id, config); err != nil {
		return "", fmt.Errorf("creating the container %s in %s: %w", config.Name, sandbox, err)
	}
	return id, nil
}

func (r *Runtime) makeContainer(id string, config podrun.ContainerConfig) error {
	// RemoveImage looks for containers under this lock.
	r.mu.Lock()
	defer r.mu.Unlock()
	img, err := r.images.Get(config.Image)
	if err != nil {
		return err
	}
	if _, err := os.Stat(r.containerPath(id, wire.ContainerFile)); err == nil {
		return fmt.Errorf("%s exists already", id)
	}
	// What an agent has left that died just here.
	if err := os.RemoveAll(r.containerPath(id)); err != nil {
		return err
	}
	r.at("make the container's directories")
	for _, name := range []string{"", "upper", "work", "root"} {
		if err := os.Mkdir(r.containerPath(id, name), 0o755); err != nil {
			return err
		}
	}
	r.at("write the container's state")
	return wire.Save(r.containerPath(id, wire.ContainerFile), containerState{Config: config, ImageID: img.ID, Created: time.Now()})
}

// StartContainer implements [podrun.Containers].
func (r *Runtime) StartContainer(_ context.Context, id string) error {
	sandbox, err := sandboxOf(id)
	if err != nil {
		return err
	}
	defer r.hold(sandbox)()
	c, err := r.container(id)
	if err != nil {
		return err
	}
	if c.State != podrun.Created {
		return fmt.Errorf("starting %s: it has been started already", id)
	}
	if err := r.start(sandbox, c); err != nil {
		return fmt.Errorf("starting the container %s: %w", c.Config.Name, err)
	}
	return nil
}

func (r *Runtime) start(sandbox string, c podrun.Container) error {
	var volumes []*os.File
	defer func() {
		for _, v := range volumes {
			v.Close()
		}
	}()
	// They are taken here: the pod does not see what is mounted on the node
	// after its start.
	for _, m := range c.Config.Mounts {
		tree, err := pod.Tree(m.Source)
		if err != nil {
			return r.cannotStart(c.ID, fmt.Errorf("%w: the volume for %s: %w", podrun.ErrCannotStart, m.Target, err))
		}
		volumes = append(volumes, tree)
	}
	spec, err := r.spec(sandbox, c)
	if err != nil {
		return r.cannotStart(c.ID, err)
	}
	r.at("ask for the container's start")
	_, _, err = r.ask(sandbox, wire.Request{Op: wire.OpStart, ID: c.ID, Container: spec}, volumes...)
	r.at("started")
	return err
}

// cannotStart writes down that a container will not run.
func (r *Runtime) cannotStart(id string, why error) error {
	now := time.Now()
	return errors.Join(why, wire.Save(r.containerPath(id, wire.StateFile), wire.State{
		State: podrun.Exited, Started: now, Finished: now, ExitCode: 128, Reason: podrun.ReasonStartError, Message: why.Error(),
	}))
}

// spec is all that the init process needs to know.
func (r *Runtime) spec(sandbox string, c podrun.Container) (*wire.Container, error) {
	var s sandboxState
	if err := wire.Load(r.path(sandbox, wire.SandboxFile), &s); err != nil {
		return nil, err
	}
	img, err := r.images.Get(c.ImageID)
	if err != nil {
		return nil, err
	}
	spec := &wire.Container{
		Dir: r.containerPath(c.ID), Lower: img.Root, HostPID: s.Config.HostPID,
		Args: arguments(img, c.Config), Env: append(img.Env, c.Config.Env...),
		WorkingDir: img.Dir, User: img.User, Config: c.Config,
		LogMaxSize: r.config.LogMaxSize, LogFiles: r.config.LogFiles,
	}
	if c.Config.Dir != "" {
		spec.WorkingDir = c.Config.Dir
	}
	if spec.Config.StopSignal == 0 {
		spec.Config.StopSignal = img.StopSignal
	}
	if img.ID == podrun.HostImage {
		spec.Hidden = append([]string{r.config.Root}, r.config.Hidden...)
	}
	for name, target := range podFiles {
		spec.Files = append(spec.Files, podrun.Mount{Source: r.path(sandbox, name), Target: target})
	}
	return spec, nil
}

// arguments puts an image's and a pod's together, as the API says it: a
// command alone has no arguments of the image.
func arguments(img image.Image, c podrun.ContainerConfig) []string {
	switch {
	case len(c.Command) > 0:
		return append(c.Command[:len(c.Command):len(c.Command)], c.Args...)
	case len(c.Args) > 0:
		return append(img.Entrypoint[:len(img.Entrypoint):len(img.Entrypoint)], c.Args...)
	}
	return append(img.Entrypoint[:len(img.Entrypoint):len(img.Entrypoint)], img.Cmd...)
}

// StopContainer implements [podrun.Containers].
func (r *Runtime) StopContainer(ctx context.Context, id string, grace time.Duration) error {
	sandbox, err := sandboxOf(id)
	if err != nil {
		return nil //nolint:nilerr // what cannot be does not run
	}
	r.at("ask for the container's stop")
	err = r.asking(ctx, sandbox, wire.Request{Op: wire.OpStop, ID: id, Grace: grace})
	if errors.Is(err, podrun.ErrNotRunning) || errors.Is(err, podrun.ErrNotReady) {
		return nil
	}
	return err
}

// RemoveContainer implements [podrun.Containers].
func (r *Runtime) RemoveContainer(ctx context.Context, id string) error {
	sandbox, err := sandboxOf(id)
	if err != nil {
		return nil //nolint:nilerr // what cannot be is not there
	}
	if err := r.StopContainer(ctx, id, 0); err != nil {
		return err
	}
	defer r.hold(sandbox)()
	if err := r.groups.Remove(path.Join(sandbox, wire.ContainerGroup(id))); err != nil {
		return err
	}
	r.at("remove the container's state")
	err = os.Remove(r.containerPath(id, wire.ContainerFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("removing the container %s: %w", id, err)
	}
	r.at("remove the container's files")
	return os.RemoveAll(r.containerPath(id))
}

// Wait implements [podrun.Containers].
func (r *Runtime) Wait(ctx context.Context, id string) (podrun.Container, error) {
	sandbox, err := sandboxOf(id)
	if err != nil {
		return podrun.Container{}, err
	}
	for {
		c, err := r.container(id)
		if err != nil || c.State == podrun.Exited {
			return c, err
		}
		if c.State == podrun.Created {
			return c, fmt.Errorf("waiting for %s: %w", id, podrun.ErrNotRunning)
		}
		// Whatever comes back, what is written down says what it is.
		err = r.asking(ctx, sandbox, wire.Request{Op: wire.OpWait, ID: id})
		if ctx.Err() != nil {
			return c, fmt.Errorf("waiting for %s: %w", id, errors.Join(ctx.Err(), err))
		}
	}
}
