package cri

import (
	"context"
	"encoding/json"
	"slices"
	"sync"
	"time"

	pb "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/causeway-access/causeway/internal/podrun"
)

// runner is a container that runs, and its first process: zero if the runtime
// does not tell of one on this machine.
type runner struct {
	podrun.Container
	pid int
}

func (r *Runtime) runs(ctx context.Context, id string) (runner, error) {
	response, err := r.runtime.ContainerStatus(ctx, &pb.ContainerStatusRequest{ContainerId: id, Verbose: true})
	if err != nil {
		return runner{}, plain(err)
	}
	c, err := containerOf(response.GetStatus())
	if err == nil && c.State != podrun.Running {
		err = podrun.ErrNotRunning
	}
	var info struct{ PID int }
	// containerd and CRI-O tell it there. It is asked for no other use.
	_ = json.Unmarshal([]byte(response.GetInfo()["info"]), &info)
	return runner{c, info.PID}, err
}

// executions know the commands that are executed in containers. CRI has no
// call that ends one, and runtimes let them go on when who asked has gone.
type executions struct {
	mu sync.Mutex
	// beginning has who begins a command in a container: one at a time, so
	// that it is known whose process it is that has come.
	beginning map[string]*turn
}

// turn is taken by putting something into it.
type turn struct {
	taken chan struct{}
	users int
}

// execution is one command.
type execution struct {
	ended chan struct{}
	// found gets the command's process, if there was one.
	found chan process
}

// longestLook is how long it is looked for the process of a command.
const longestLook = 30 * time.Second

// begin looks for the process of a command that is about to be started in a
// container, whose first process is init. One of its methods is called once.
func (e *executions) begin(ctx context.Context, container string, init int) *execution {
	x := &execution{ended: make(chan struct{}), found: make(chan process, 1)}
	if init == 0 {
		close(x.found)
		return x
	}
	leave := e.enter(ctx, container)
	before := roots(init)
	go func() {
		defer leave()
		x.look(init, before)
	}()
	return x
}

// enter waits until nobody else begins a command in a container, or ctx ends.
func (e *executions) enter(ctx context.Context, container string) func() {
	e.mu.Lock()
	if e.beginning == nil {
		e.beginning = map[string]*turn{}
	}
	t := e.beginning[container]
	if t == nil {
		t = &turn{taken: make(chan struct{}, 1)}
		e.beginning[container] = t
	}
	t.users++
	e.mu.Unlock()
	mine := false
	select {
	case t.taken <- struct{}{}:
		mine = true
	case <-ctx.Done():
	}
	return func() {
		if mine {
			<-t.taken
		}
		e.mu.Lock()
		defer e.mu.Unlock()
		if t.users--; t.users == 0 {
			delete(e.beginning, container)
		}
	}
}

// look finds the process that was not there before, or that the command has ended.
func (x *execution) look(init int, before []process) {
	defer close(x.found)
	timeout := time.After(longestLook)
	var last []process
	for wait := 5 * time.Millisecond; ; wait = min(2*wait, 100*time.Millisecond) {
		select {
		case <-x.ended:
			return
		case <-timeout:
			return
		case <-time.After(wait):
		}
		now := roots(init)
		for _, p := range now {
			// Helpers of the start come and go: it stays.
			if !slices.Contains(before, p) && slices.Contains(last, p) {
				x.found <- p
				return
			}
		}
		last = now
	}
}

// end says that the command has ended.
func (x *execution) end() { close(x.ended) }

// kill ends the command and what it has started, as soon as it is known.
func (x *execution) kill() {
	go func() {
		if p, ok := <-x.found; ok {
			p.killAll()
		}
	}()
}
