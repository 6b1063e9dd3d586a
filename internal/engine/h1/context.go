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
	funcs map[*func()]struct{}
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

// AfterFunc has f called, on a goroutine of its own, once the request is over.
// Package context asks for it.
func (c *requestContext) AfterFunc(f func()) (stop func() bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		go f()
		return func() bool { return false }
	}
	if c.funcs == nil {
		c.funcs = make(map[*func()]struct{})
	}
	key := &f
	c.funcs[key] = struct{}{}
	return func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		_, waits := c.funcs[key]
		delete(c.funcs, key)
		return waits
	}
}

// cancel ends the request, if it has not ended.
func (c *requestContext) cancel() {
	c.mu.Lock()
	if c.err != nil {
		c.mu.Unlock()
		return
	}
	c.err = context.Canceled
	if c.done != nil {
		close(c.done)
	}
	funcs := c.funcs
	c.funcs = nil
	c.mu.Unlock()
	for f := range funcs {
		go (*f)()
	}
}
