package gateway

import (
	"context"
	"sync/atomic"
)

// running counts the requests under way. Unlike a sync.WaitGroup it may be
// waited for while others still begin, and the wait may be given up.
type running struct {
	n    atomic.Int64
	zero chan struct{} // holds a token after n has become zero
}

func newRunning() *running { return &running{zero: make(chan struct{}, 1)} }

func (r *running) enter() { r.n.Add(1) }

func (r *running) leave() {
	if r.n.Add(-1) == 0 {
		r.signal()
	}
}

func (r *running) signal() {
	select {
	case r.zero <- struct{}{}:
	default:
	}
}

// wait returns when no request is under way, or with the cause of ctx.
func (r *running) wait(ctx context.Context) error {
	for r.n.Load() > 0 {
		select {
		case <-r.zero:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	r.signal() // another may be waiting too
	return nil
}
