package h2

import (
	"context"
	"sync"
	"time"
)

// requestContext is the context of a request: that of its connection, until
// the request is over. The connection ends it, so that, unlike one that is
// made by [context.WithCancel], it need not be entered in its parent.
type requestContext struct {
	parent context.Context

	mu    sync.Mutex
	done  chan struct{} // nil until asked for
	err   error
	funcs map[*func()]struct{}
}

// closedChan is the Done of contexts that were over before it was asked for.
var closedChan = func() chan struct{} { c := make(chan struct{}); close(c); return c }()

func (c *requestContext) Deadline() (time.Time, bool) { return c.parent.Deadline() }

// Value returns the connection's values. The keys by which the context package
// finds one of its own kind are pointers to numbers: what it would find is the
// connection's, which does not end with the request.
func (c *requestContext) Value(key any) any {
	if _, own := key.(*int); own {
		return nil
	}
	return c.parent.Value(key)
}

func (c *requestContext) Done() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.done == nil {
		if c.done = closedChan; c.err == nil {
			c.done = make(chan struct{})
		}
	}
	return c.done
}

func (c *requestContext) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// AfterFunc has the context package cancel contexts that derive from this one
// without a goroutine for each. The function must not wait.
func (c *requestContext) AfterFunc(f func()) func() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		go f()
		return func() bool { return false }
	}
	if c.funcs == nil {
		c.funcs = map[*func()]struct{}{}
	}
	c.funcs[&f] = struct{}{}
	return func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		_, waits := c.funcs[&f]
		delete(c.funcs, &f)
		return waits
	}
}

// cancel ends the context.
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
		(*f)()
	}
}
