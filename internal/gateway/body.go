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
	over    bool  // the request is: nothing may read any more
	ended   bool  // all of it was read
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

// whole reports whether all of it was read.
func (b *body) whole() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.ended
}

// failure returns the error that reading the client's body ended with.
func (b *body) failure() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.failed
}

// end keeps goroutines that outlive the request from reading: what they would
// read is the next request on the connection. A read under way is ended by the
// server, before it reads on.
func (b *body) end() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.over = true
}

func (b *body) attempt() *attempt { return &attempt{body: b} }

// attempt is the body as one attempt sees it. A read that comes after its end,
// from a goroutine that outlived its round trip, does not touch the body.
type attempt struct {
	body   *body
	closed bool // guarded by body.mu
}

func (a *attempt) Read(p []byte) (int, error) {
	b := a.body
	b.mu.Lock()
	if a.closed || b.over {
		b.mu.Unlock()
		return 0, http.ErrBodyReadAfterClose
	}
	b.started = true
	b.mu.Unlock()

	n, err := b.src.Read(p)
	b.read.Add(int64(n))
	if err != nil {
		b.mu.Lock()
		if b.ended = err == io.EOF; !b.ended {
			b.failed = err
		}
		b.mu.Unlock()
	}
	return n, err
}

// end ends the attempt's use of the body. A nil attempt is one without.
func (a *attempt) end() {
	if a == nil {
		return
	}
	a.body.mu.Lock()
	defer a.body.mu.Unlock()
	a.closed = true
}
