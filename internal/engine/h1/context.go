package h1

import (
	"context"
	"sync"
)

// requestContext is the context of a request. It is a part of the request's one
// piece of memory, and has no channel until somebody asks for it. Contexts made
// of it need no goroutine that waits for its end: they find AfterFunc.
type requestContext struct {
	context.Context // of the connection, which has no end of its own

	mu    sync.Mutex
	err   error
	done  chan struct{}
	first *waiter
}

// Done implements [context.Context].
func (c *requestContext) Done() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.done == nil {
		c.done = make(chan struct{})
		if c.err != nil {
			close(c.done)
		}
	}
	return c.done
}

// Err implements [context.Context].
func (c *requestContext) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// waiter is a func that waits for the end. The context has the
// first of a list.
type waiter struct {
	ctx        *requestContext
	f          func()
	next, prev *waiter
}

// AfterFunc has f called, on a goroutine of its own, once the request is over.
// Package context asks for it.
func (c *requestContext) AfterFunc(f func()) (stop func() bool) {
	w := &waiter{ctx: c, f: f}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		go f()
		return w.stop
	}
	if w.next = c.first; w.next != nil {
		w.next.prev = w
	}
	c.first = w
	return w.stop
}

// stop keeps the func from being called, and reports whether it would have been.
func (w *waiter) stop() bool {
	c := w.ctx
	c.mu.Lock()
	defer c.mu.Unlock()
	if w.prev == nil && c.first != w {
		return false // it was called, or stopped before
	}
	if w.prev != nil {
		w.prev.next = w.next
	} else {
		c.first = w.next
	}
	if w.next != nil {
		w.next.prev = w.prev
	}
	w.next, w.prev = nil, nil
	return true
}

// cancel ends the request, if it has not ended.
func (c *requestContext) cancel() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return
	}
	c.err = context.Canceled
	if c.done != nil {
		close(c.done)
	}
	for w := c.first; w != nil; {
		next := w.next
		w.next, w.prev = nil, nil
		go w.f()
		w = next
	}
	c.first = nil
}
