//go:build linux

package pod

import (
	"os"
	"sync"
	"syscall"
)

// reaper waits for the children of this process: those that it starts, and
// those that pods' processes leave behind.
type reaper struct {
	mu      sync.Mutex
	waiting map[int]chan syscall.WaitStatus
}

// start runs f, which starts a process, and returns where its end will be told.
func (r *reaper) start(f func() (int, error)) (int, <-chan syscall.WaitStatus, error) {
	// Nobody is reaped meanwhile: the process may end before it is known here.
	r.mu.Lock()
	defer r.mu.Unlock()
	pid, err := f()
	if err != nil {
		return 0, nil, err
	}
	if r.waiting == nil {
		r.waiting = map[int]chan syscall.WaitStatus{}
	}
	ended := make(chan syscall.WaitStatus, 1)
	r.waiting[pid] = ended
	return pid, ended, nil
}

// run reaps at each SIGCHLD; several deaths may come as one.
func (r *reaper) run(children <-chan os.Signal) {
	for range children {
		r.reap()
	}
}

func (r *reaper) reap() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, syscall.WNOHANG, nil)
		if err == syscall.EINTR {
			continue
		}
		if err != nil || pid <= 0 {
			return
		}
		if ended := r.waiting[pid]; ended != nil {
			ended <- status
			delete(r.waiting, pid)
		}
	}
}
