package h1

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
)

// Contexts that are made of a request's end with it, and are let go before
// without a trace.
func TestContextsOfARequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		type key struct{}
		c := &requestContext{Context: context.WithValue(context.Background(), key{}, "of the connection")}
		called := make(map[string]bool)
		stops := make(map[string]func() bool)
		for _, name := range []string{"first", "second", "third", "fourth"} {
			stops[name] = c.AfterFunc(func() { called[name] = true })
		}
		child, cancel := context.WithCancelCause(c)
		defer cancel(nil)
		let, cancelLet := context.WithCancel(c)
		cancelLet()
		if let.Err() == nil || c.Err() != nil || child.Err() != nil {
			t.Error("the end of one is that of another")
		}
		// From the middle, from one end and from the other, and only once.
		for _, name := range []string{"second", "first", "fourth"} {
			if !stops[name]() || stops[name]() {
				t.Error(name, "cannot be stopped once")
			}
		}
		c.cancel()
		c.cancel()
		synctest.Wait()
		<-child.Done()
		<-c.Done()
		if !called["third"] || len(called) != 1 {
			t.Errorf("called: %v", called)
		}
		if stops["third"]() {
			t.Error("it was stopped after it was called")
		}
		late := false
		stop := c.AfterFunc(func() { late = true })
		synctest.Wait()
		if !late || stop() {
			t.Error("who asks after the end is not told")
		}
		if !errors.Is(c.Err(), context.Canceled) || !errors.Is(context.Cause(child), context.Canceled) || child.Value(key{}) != "of the connection" {
			t.Errorf("got %v, %v, %v", c.Err(), context.Cause(child), child.Value(key{}))
		}
	})
}

// No goroutine waits for a request's end on behalf of its contexts: one that
// did would keep the bubble from ending.
func TestContextsNeedNoGoroutine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &requestContext{Context: context.Background()}
		_, cancel := context.WithCancel(c)
		_ = cancel // never called, and the request never ends
	})
}
