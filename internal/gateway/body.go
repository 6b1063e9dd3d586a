package gateway

import (
	"io"
	"net/http"
	"sync"
	"sync/atomic"
)

// body is the client's request body, which several attempts may have in turn
// as long as none has begun to read it.
type body struct {
	src io.ReadCloser

	mu      sync.Mutex
	started bool
	failed  error // what reading it ended with, other than its end

	read atomic.Int64
}

func newBody(r *http.Request) *body { return &body{src: r.Body} }

// begun reports whether any of it was read.
func (b *body) begun() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.started
}

// failure returns the error that reading the client's body ended with.
func (b *body) failure() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.failed
}

func (b *body) attempt() *attempt { return &attempt{body: b} }

// attempt is the body as one attempt sees it. Close ends the attempt's use of
// it, not the body: the server closes that. A read that comes after Close,
// from a goroutine that outlived its round trip, does not touch the body.
type attempt struct {
	body   *body
	closed bool // guarded by body.mu
}

func (a *attempt) Read(p []byte) (int, error) {
	b := a.body
	b.mu.Lock()
	if a.closed {
		b.mu.Unlock()
		return 0, http.ErrBodyReadAfterClose
	}
	b.started = true
	b.mu.Unlock()

	n, err := b.src.Read(p)
	b.read.Add(int64(n))
	if err != nil && err != io.EOF {
		b.mu.Lock()
		b.failed = err
		b.mu.Unlock()
	}
	return n, err
}

// Close ends the attempt's use of the body.
func (a *attempt) Close() error {
	a.body.mu.Lock()
	defer a.body.mu.Unlock()
	a.closed = true
	return nil
}
