package gateway

import (
	"io"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/causeway-access/causeway/internal/transport"
)

// keepMost is how much of a body is kept to be sent again. A read that begins
// below it is kept whole.
const keepMost = 64 << 10

// body is the client's request body, which several attempts may have in turn
// as long as nothing of it is lost: none has begun to read it, or what was read
// is kept, as the beginning is if the request's method is idempotent.
type body struct {
	src  io.ReadCloser
	keep bool

	reading sync.Mutex // held while the client is waited for; taken before mu
	kept    []byte     // guarded by reading

	mu     sync.Mutex
	lost   bool  // something was read, or is being read, that is not kept
	over   bool  // the request is: nothing may read any more
	ended  bool  // all of it was read
	failed error // what reading it ended with, other than its end

	read atomic.Int64
}

func newBody(r *http.Request) *body {
	return &body{src: r.Body, keep: transport.Idempotent(r.Method)}
}

// again reports whether another attempt can have all of it.
func (b *body) again() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return !b.lost
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
	at     int  // how much of body.kept was read; guarded by body.reading
	closed bool // guarded by body.mu
}

// Read reads what was kept of earlier attempts, then on. It waits for an
// earlier attempt that still waits for the client: what that gets is kept.
func (a *attempt) Read(p []byte) (int, error) {
	b := a.body
	b.reading.Lock()
	defer b.reading.Unlock()
	again := a.at < len(b.kept)
	if err := a.begin(again); err != nil {
		return 0, err
	}
	if again {
		n := copy(p, b.kept[a.at:])
		a.at += n
		return n, nil
	}
	n, err := b.src.Read(p)
	b.read.Add(int64(n))
	if b.again() {
		b.kept = append(b.kept, p[:n]...)
		a.at += n
	}
	if err != nil {
		b.mu.Lock()
		if b.ended = err == io.EOF; !b.ended {
			b.failed = err
		}
		b.mu.Unlock()
	}
	return n, err
}

// begin says whether the attempt may read, and from now on that what it reads
// anew is lost to others, if it is not kept.
func (a *attempt) begin(again bool) error {
	b := a.body
	b.mu.Lock()
	defer b.mu.Unlock()
	if a.closed || b.over {
		return http.ErrBodyReadAfterClose
	}
	if !again && (!b.keep || len(b.kept) >= keepMost) {
		b.lost = true
	}
	return nil
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
