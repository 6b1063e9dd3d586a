package cri

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	pb "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/causeway-access/causeway/internal/podrun"
)

// asked is how many statuses a runtime is asked for at once.
const asked = 8

// statuses are those that do not change any more while the state is the same:
// a list of CRI has no times, no exit codes and no addresses.
type statuses struct {
	mu         sync.Mutex
	containers map[string]podrun.Container
	sandboxes  map[string]podrun.Sandbox
}

// List implements [podrun.Sandboxes].
func (r *Runtime) List(ctx context.Context) ([]podrun.Sandbox, error) {
	list, err := r.list(ctx)
	if err != nil {
		return nil, fmt.Errorf("listing pods: %w", err)
	}
	return list, nil
}

func (r *Runtime) list(ctx context.Context) ([]podrun.Sandbox, error) {
	// Containers first: of one that is listed there is the sandbox.
	containers, err := r.runtime.ListContainers(ctx, &pb.ListContainersRequest{Filter: &pb.ContainerFilter{LabelSelector: r.ours()}})
	if err != nil {
		return nil, plain(err)
	}
	sandboxes, err := r.runtime.ListPodSandbox(ctx, &pb.ListPodSandboxRequest{Filter: &pb.PodSandboxFilter{LabelSelector: r.ours()}})
	if err != nil {
		return nil, plain(err)
	}
	// What is gone meanwhile stays empty.
	s := make([]podrun.Sandbox, len(sandboxes.GetItems()))
	c := make([]podrun.Container, len(containers.GetContainers()))
	ask, ctx := errgroup.WithContext(ctx)
	ask.SetLimit(asked)
	for i, item := range sandboxes.GetItems() {
		ask.Go(func() (err error) {
			s[i], err = r.knownSandbox(ctx, item)
			return ignoreAbsent(err)
		})
	}
	for i, item := range containers.GetContainers() {
		ask.Go(func() (err error) {
			c[i], err = r.knownContainer(ctx, item)
			return ignoreAbsent(err)
		})
	}
	if err := ask.Wait(); err != nil {
		return nil, err
	}
	s = slices.DeleteFunc(s, func(s podrun.Sandbox) bool { return s.ID == "" })
	c = slices.DeleteFunc(c, func(c podrun.Container) bool { return c.ID == "" })
	r.known.keep(s, c)
	return assemble(s, c), nil
}

func ignoreAbsent(err error) error {
	if notFound(err) {
		return nil
	}
	return err
}

// assemble puts containers into their sandboxes, all in the order of their making.
func assemble(sandboxes []podrun.Sandbox, containers []podrun.Container) []podrun.Sandbox {
	slices.SortFunc(containers, func(a, b podrun.Container) int {
		return cmp.Or(a.Created.Compare(b.Created), cmp.Compare(a.ID, b.ID))
	})
	for i := range sandboxes {
		for _, c := range containers {
			if c.Sandbox == sandboxes[i].ID {
				sandboxes[i].Containers = append(sandboxes[i].Containers, c)
			}
		}
	}
	slices.SortFunc(sandboxes, func(a, b podrun.Sandbox) int {
		return cmp.Or(a.Created.Compare(b.Created), cmp.Compare(a.ID, b.ID))
	})
	return sandboxes
}

func (r *Runtime) knownSandbox(ctx context.Context, item *pb.PodSandbox) (podrun.Sandbox, error) {
	r.known.mu.Lock()
	s, ok := r.known.sandboxes[item.GetId()]
	r.known.mu.Unlock()
	if ok && s.Ready == (item.GetState() == pb.PodSandboxState_SANDBOX_READY) {
		return s, nil
	}
	status, err := r.sandboxStatus(ctx, item.GetId())
	if err != nil {
		return podrun.Sandbox{}, err
	}
	return sandboxOf(status)
}

func (r *Runtime) knownContainer(ctx context.Context, item *pb.Container) (podrun.Container, error) {
	r.known.mu.Lock()
	c, ok := r.known.containers[item.GetId()]
	r.known.mu.Unlock()
	if ok && c.State == state(item.GetState()) {
		return c, nil
	}
	return r.container(ctx, item.GetId())
}

// keep remembers what is there, and nothing else.
func (s *statuses) keep(sandboxes []podrun.Sandbox, containers []podrun.Container) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sandboxes, s.containers = map[string]podrun.Sandbox{}, map[string]podrun.Container{}
	for _, one := range sandboxes {
		s.sandboxes[one.ID] = one
	}
	for _, one := range containers {
		s.containers[one.ID] = one
	}
}

// container asks for the status of one.
func (r *Runtime) container(ctx context.Context, id string) (podrun.Container, error) {
	response, err := r.runtime.ContainerStatus(ctx, &pb.ContainerStatusRequest{ContainerId: id})
	if err != nil {
		return podrun.Container{}, fmt.Errorf("container %s: %w", id, plain(err))
	}
	return containerOf(response.GetStatus())
}

func containerOf(status *pb.ContainerStatus) (podrun.Container, error) {
	var known note
	if err := json.Unmarshal([]byte(status.GetAnnotations()[kept]), &known); err != nil {
		return podrun.Container{}, fmt.Errorf("reading what was kept of the container %s: %w", status.GetId(), err)
	}
	c := podrun.Container{
		ID: status.GetId(), Sandbox: known.Sandbox, Config: known.Config, ImageID: known.ImageID, State: state(status.GetState()),
		Created: moment(status.GetCreatedAt()), Started: moment(status.GetStartedAt()), Finished: moment(status.GetFinishedAt()),
		Message: status.GetMessage(),
	}
	if c.State == podrun.Exited {
		c.ExitCode, c.Reason = int(status.GetExitCode()), reason(status)
		// Runtimes look at the clock only after the start: a program may have
		// ended by then.
		if c.Started.IsZero() || c.Started.After(c.Finished) {
			c.Started = c.Finished
		}
	}
	return c, nil
}

// moment is a time of CRI: in nanoseconds, zero for never.
func moment(nanoseconds int64) time.Time {
	if nanoseconds <= 0 {
		return time.Time{}
	}
	return time.Unix(0, nanoseconds)
}

func state(s pb.ContainerState) podrun.State {
	switch s {
	case pb.ContainerState_CONTAINER_CREATED:
		return podrun.Created
	case pb.ContainerState_CONTAINER_RUNNING:
		return podrun.Running
	}
	// The runtime does not know how it ended, if it is not Exited.
	return podrun.Exited
}

// reason is one of ours. Runtimes have others for what is an error all the same.
func reason(status *pb.ContainerStatus) string {
	switch {
	case status.GetState() == pb.ContainerState_CONTAINER_UNKNOWN, status.GetReason() == "Unknown":
		return podrun.ReasonUnknown
	case status.GetReason() == podrun.ReasonOOMKilled, status.GetReason() == podrun.ReasonStartError:
		return status.GetReason()
	case status.GetReason() == "ContainerCannotRun":
		return podrun.ReasonStartError
	case status.GetExitCode() == 0:
		return podrun.ReasonCompleted
	}
	return podrun.ReasonError
}
