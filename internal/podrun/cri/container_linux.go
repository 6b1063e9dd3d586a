package cri

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	pb "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/causeway-access/causeway/internal/podrun"
)

// CreateContainer implements [podrun.Containers].
func (r *Runtime) CreateContainer(ctx context.Context, sandbox string, config podrun.ContainerConfig) (string, error) {
	id, err := r.createContainer(ctx, sandbox, config)
	if err != nil {
		return "", fmt.Errorf("creating the container %s in %s: %w", config.Name, sandbox, err)
	}
	return id, nil
}

func (r *Runtime) createContainer(ctx context.Context, sandbox string, config podrun.ContainerConfig) (string, error) {
	status, err := r.sandboxStatus(ctx, sandbox)
	if err != nil {
		return "", err
	}
	s, err := sandboxOf(status)
	if err != nil {
		return "", err
	}
	if !s.Ready {
		return "", podrun.ErrNotReady
	}
	r.using.RLock()
	defer r.using.RUnlock()
	image, err := r.image(ctx, config.Image)
	if err == nil {
		err = check(config)
	}
	if err != nil {
		return "", err
	}
	hosts, err := r.writeHosts(s)
	if err != nil {
		return "", err
	}
	group := status.GetLabels()[labelGroup]
	request := &pb.CreateContainerRequest{PodSandboxId: sandbox}
	if request.Config, err = r.containerConfig(config, s, image, hosts); err != nil {
		return "", err
	}
	if request.SandboxConfig, err = r.sandboxConfig(group, s.Config); err != nil {
		return "", err
	}
	// Of a container that is added to a pod, to look at it, the sandbox could not
	// know. Runtimes believe what is said here.
	if config.Security.Privileged {
		request.SandboxConfig.Linux.SecurityContext.Privileged = true
	}
	response, err := r.runtime.CreateContainer(ctx, request)
	if err != nil {
		return "", cannotStart(plain(err))
	}
	id := response.GetContainerId()
	if err := r.groups.limit(group, id, config.Resources.Processes); err != nil {
		return "", errors.Join(err, r.RemoveContainer(context.WithoutCancel(ctx), id))
	}
	return id, nil
}

// writeHosts writes a pod's hosts file, if it is not there, and returns where.
func (r *Runtime) writeHosts(s podrun.Sandbox) (string, error) {
	path := r.path(s.ID, "hosts")
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return "", err
	}
	err := replace(path, []byte(podrun.Hosts(s.Config, hostname(s.Config), s.IPs)), 0o644)
	return path, err
}

// StartContainer implements [podrun.Containers].
func (r *Runtime) StartContainer(ctx context.Context, id string) error {
	_, err := r.runtime.StartContainer(ctx, &pb.StartContainerRequest{ContainerId: id})
	if err == nil {
		return nil
	}
	err = cannotStart(plain(err))
	// What has ended by it could not be started, whatever the runtime calls it.
	if c, failed := r.container(ctx, id); failed == nil && c.Reason == podrun.ReasonStartError && !errors.Is(err, podrun.ErrCannotStart) {
		err = fmt.Errorf("%w: %w", podrun.ErrCannotStart, err)
	}
	return fmt.Errorf("starting the container %s: %w", id, err)
}

// StopContainer implements [podrun.Containers]. CRI counts whole seconds.
func (r *Runtime) StopContainer(ctx context.Context, id string, grace time.Duration) error {
	seconds := int64((max(grace, 0) + time.Second - 1) / time.Second)
	_, err := r.runtime.StopContainer(ctx, &pb.StopContainerRequest{ContainerId: id, Timeout: seconds})
	if err = plain(err); err != nil && !notFound(err) {
		return fmt.Errorf("stopping the container %s: %w", id, err)
	}
	return nil
}

// RemoveContainer implements [podrun.Containers].
func (r *Runtime) RemoveContainer(ctx context.Context, id string) error {
	if err := r.StopContainer(ctx, id, 0); err != nil {
		return err
	}
	_, err := r.runtime.RemoveContainer(ctx, &pb.RemoveContainerRequest{ContainerId: id})
	if err = plain(err); err != nil && !notFound(err) {
		return fmt.Errorf("removing the container %s: %w", id, err)
	}
	return nil
}

// Wait implements [podrun.Containers].
func (r *Runtime) Wait(ctx context.Context, id string) (podrun.Container, error) {
	ended, leave := r.ends.wait(id)
	defer leave()
	for {
		c, err := r.container(ctx, id)
		if err != nil || c.State == podrun.Exited {
			return c, err
		}
		if c.State == podrun.Created {
			return c, fmt.Errorf("waiting for %s: %w", id, podrun.ErrNotRunning)
		}
		select {
		case <-ended:
		case <-ctx.Done():
			return c, fmt.Errorf("waiting for %s: %w", id, ctx.Err())
		}
	}
}
