package cri

import (
	"context"
	"errors"
	"io"
	"slices"
	"sync"
	"time"

	pb "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// How often it is looked for containers that have ended: rarely where the
// runtime tells of them.
const (
	lookOften  = 200 * time.Millisecond
	lookRarely = 5 * time.Second
)

// ends tells those who wait for a container when to look at it. It hears the
// runtime's events, where it has such, and looks itself now and then.
type ends struct {
	// list returns the IDs of the containers that run.
	list func(context.Context) ([]string, error)

	mu      sync.Mutex
	waiters map[string]map[chan struct{}]bool
	// told says that the runtime tells of events.
	told bool
}

// wait returns a channel that gets a word when the container may have ended,
// and what is to be called in the end.
func (e *ends) wait(id string) (<-chan struct{}, func()) {
	word := make(chan struct{}, 1)
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.waiters[id] == nil {
		e.waiters[id] = map[chan struct{}]bool{}
	}
	e.waiters[id][word] = true
	return word, func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		delete(e.waiters[id], word)
		if len(e.waiters[id]) == 0 {
			delete(e.waiters, id)
		}
	}
}

// wake gives the word to those who wait for one of those that are not running.
func (e *ends) wake(ended func(id string) bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for id, words := range e.waiters {
		if !ended(id) {
			continue
		}
		for word := range words {
			select {
			case word <- struct{}{}:
			default:
			}
		}
	}
}

// pause is how long to wait before the next look, and whether to look at all.
func (e *ends) pause() (time.Duration, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.told {
		return lookRarely, len(e.waiters) > 0
	}
	return lookOften, len(e.waiters) > 0
}

// poll looks until ctx ends.
func (e *ends) poll(ctx context.Context) {
	for {
		pause, wanted := e.pause()
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
		if !wanted {
			continue
		}
		// A runtime that does not answer now will later.
		if running, err := e.list(ctx); err == nil {
			e.wake(func(id string) bool { return !slices.Contains(running, id) })
		}
	}
}

// hear hears events until ctx ends, if the runtime has such.
func (e *ends) hear(ctx context.Context, runtime pb.RuntimeServiceClient) {
	for ctx.Err() == nil {
		pause := time.Second
		switch err := e.hearOnce(ctx, runtime); {
		case unimplemented(err):
			return
		case errors.Is(err, io.EOF): // CRI-O's answer where its events are switched off
			pause = time.Minute
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
}

func (e *ends) hearOnce(ctx context.Context, runtime pb.RuntimeServiceClient) error {
	stream, err := runtime.GetContainerEvents(ctx, &pb.GetEventsRequest{})
	for err == nil {
		var event *pb.ContainerEventResponse
		if event, err = stream.Recv(); err != nil {
			break
		}
		e.tell(true)
		e.wake(func(id string) bool { return id == event.GetContainerId() })
	}
	// What happened since is looked for.
	e.tell(false)
	return err
}

func (e *ends) tell(told bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.told = told
}

// runningIDs are those of all containers of ours that run.
func (r *Runtime) runningIDs(ctx context.Context) ([]string, error) {
	list, err := r.runtime.ListContainers(ctx, &pb.ListContainersRequest{Filter: &pb.ContainerFilter{
		LabelSelector: r.ours(), State: &pb.ContainerStateValue{State: pb.ContainerState_CONTAINER_RUNNING},
	}})
	if err != nil {
		return nil, plain(err)
	}
	var ids []string
	for _, c := range list.GetContainers() {
		ids = append(ids, c.GetId())
	}
	return ids, nil
}
