package localproxy

import (
	"context"
	"io"
)

// attempt is one try of a request at a server.
type attempt struct {
	server *server
	cancel context.CancelCauseFunc
	over   bool // guarded by server.mu
}

// begin begins an attempt, of which end must be called. Its context ends early
// if the server turns out to be unwell before it has answered.
func (s *server) begin(ctx context.Context) (context.Context, *attempt) {
	s.inflight.Add(1)
	a := &attempt{server: s}
	ctx, a.cancel = context.WithCancelCause(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting[a] = struct{}{}
	return ctx, a
}

// answered says that the server need not be well any more.
func (a *attempt) answered() {
	a.server.mu.Lock()
	defer a.server.mu.Unlock()
	delete(a.server.waiting, a)
}

// end ends the attempt. It may be called again.
func (a *attempt) end() {
	a.server.mu.Lock()
	over := a.over
	a.over = true
	delete(a.server.waiting, a)
	a.server.mu.Unlock()
	if !over {
		a.cancel(nil)
		a.server.inflight.Add(-1)
	}
}

// ending ends the attempt with the body of its answer.
type ending struct {
	io.ReadCloser
	attempt *attempt
}

// Close implements [io.Closer].
func (e *ending) Close() error {
	defer e.attempt.end()
	return e.ReadCloser.Close()
}
