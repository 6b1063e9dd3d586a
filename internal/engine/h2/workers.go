package h2

import "sync"

// keepWorkers is how many goroutines without work are kept.
const keepWorkers = 256

// job is work for a goroutine of its own.
type job interface{ run() }

// workers run jobs on goroutines that are kept, so that their stacks need not
// grow anew for each request. Who had work last gets it first: his stack is
// still in the processor's cache.
type workers struct {
	mu   sync.Mutex
	kept bool
	idle []chan job
}

// start runs a job.
func (w *workers) start(j job) {
	w.mu.Lock()
	if n := len(w.idle); n > 0 {
		next := w.idle[n-1]
		w.idle = w.idle[:n-1]
		w.mu.Unlock()
		next <- j
		return
	}
	w.mu.Unlock()
	go w.loop(j)
}

func (w *workers) loop(j job) {
	next := make(chan job, 1)
	for j != nil {
		j.run()
		if !w.rest(next) {
			return
		}
		j = <-next
	}
}

// rest keeps a goroutine that has no work, and reports whether it does.
func (w *workers) rest(next chan job) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.kept || len(w.idle) >= keepWorkers {
		return false
	}
	w.idle = append(w.idle, next)
	return true
}

// keep says whether goroutines are to be kept. It ends those without work if
// not.
func (w *workers) keep(kept bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.kept = kept
	if kept {
		return
	}
	for _, next := range w.idle {
		close(next)
	}
	w.idle = nil
}
