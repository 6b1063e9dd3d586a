package engine

import (
	"context"
	"errors"
	"net"
	"time"
)

// The pauses between two looks whether all connections have ended.
const (
	firstLook = time.Millisecond
	lastLook  = 250 * time.Millisecond
)

// Shutdown accepts no more connections, closes idle ones, and returns when the
// others have ended after the answer to their request, or with the error of the
// context. Hijacked connections are not its affair; see [http.Server.Shutdown].
func (e *Server) Shutdown(ctx context.Context) error {
	e.close()
	rest := make(chan error, 1)
	go func() { rest <- e.http.Shutdown(ctx) }()
	if err := e.drain(ctx); err != nil {
		return errors.Join(err, <-rest)
	}
	// What was handed over at the last moment was closed by the queue.
	return <-rest
}

// drain returns when the loop has no more connections.
func (e *Server) drain(ctx context.Context) error {
	pause := firstLook
	timer := time.NewTimer(pause)
	defer timer.Stop()
	for e.plain.Shutdown() || e.shaking() {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-timer.C:
			pause = min(2*pause, lastLook)
			timer.Reset(pause)
		}
	}
	return nil
}

// Close breaks all connections off but those that were hijacked.
func (e *Server) Close() error {
	e.close()
	e.plain.Close()
	e.mu.Lock()
	for c := range e.young {
		_ = c.Close() // its goroutine is told
	}
	e.mu.Unlock()
	err := e.http.Close()
	e.handed.Wait()
	return err
}

// close closes the listeners.
func (e *Server) close() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.closed = true
	for l := range e.listeners {
		_ = l.Close() // nobody is there to be told
	}
}

func (e *Server) isClosed() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.closed
}

// shaking reports whether handshakes are under way.
func (e *Server) shaking() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.young) > 0
}

func (e *Server) open(l net.Listener) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.closed {
		e.listeners[l] = struct{}{}
	}
	return !e.closed
}

func (e *Server) shut(l net.Listener) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.listeners, l)
	_ = l.Close() // it may be closed already
}
