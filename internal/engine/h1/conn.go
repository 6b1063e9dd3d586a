package h1

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"syscall"
)

// conn is one connection. One goroutine serves it.
type conn struct {
	server *Server
	net    net.Conn // the TLS session, or the socket's
	socket syscall.RawConn
	ctx    context.Context
	base   *http.Request // what all requests have in common

	// in[r:w] was read and not used yet. The buffers are pooled; idle
	// connections give them back.
	buffers *buffers
	in      []byte
	r, w    int
	out     []byte // was written and not sent yet
	failed  error  // of sending

	current  atomic.Pointer[exchange] // what is being served
	used     atomic.Bool              // a request has come
	hijacked bool

	state atomic.Int64
	mu    sync.Mutex // held by a kick
}

const (
	// bufferSize is for a request's head, and for an answer's with a body of
	// few KiB.
	bufferSize = 8 << 10
	// undecided is how much of a body is kept back as long as the handler may
	// still end with a length that it has not said.
	undecided = 2 << 10
)

type buffers struct {
	in   [bufferSize]byte
	out  [bufferSize]byte
	body [undecided]byte
}

var pool = sync.Pool{New: func() any { return new(buffers) }}

func newConn(s *Server, ctx context.Context, c net.Conn, state *tls.ConnectionState) *conn {
	one := &conn{server: s, net: c, socket: socketOf(c), ctx: ctx}
	one.base = &http.Request{Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, TLS: state}
	if a := c.RemoteAddr(); a != nil {
		one.base.RemoteAddr = a.String()
	}
	one.state.Store(stamp(idle, s.now.Load()))
	return one
}

// take takes buffers, if there are none.
func (c *conn) take() {
	if c.buffers == nil {
		c.buffers = pool.Get().(*buffers)
		c.in, c.out = c.buffers.in[:], c.buffers.out[:0]
		c.r, c.w = 0, 0
	}
}

// spare gives the buffers back.
func (c *conn) spare() {
	if c.buffers != nil {
		pool.Put(c.buffers)
		c.buffers, c.in, c.out = nil, nil, nil
	}
}

// serve serves the connection's requests.
func (c *conn) serve() (Outcome, []byte) {
	defer c.spare()
	for {
		x, verdict := c.next()
		switch verdict {
		case over:
			return Closed, nil
		case notPlain:
			c.settle()
			return Declined, append([]byte(nil), c.in[c.r:c.w]...)
		}
		again := c.answer(x)
		c.current.Store(nil)
		switch {
		case c.hijacked:
			return Hijacked, nil
		case !again, c.server.closing.Load():
			return Closed, nil
		}
		c.state.Store(stamp(idle, c.server.now.Load()))
	}
}

// answer has the handler serve a request, and ends the answer. It reports
// whether the connection may serve another.
func (c *conn) answer(x *exchange) (again bool) {
	c.current.Store(x)
	w := &x.response
	whole := c.handle(x)
	x.ctx.cancel()
	switch {
	case c.hijacked:
		return false
	case !whole:
		w.abort()
		return false
	}
	again = w.finish()
	if form := x.request.MultipartForm; form != nil {
		_ = form.RemoveAll() // temporary files
	}
	return again
}

// handle calls the handler. It returns false if that has panicked.
func (c *conn) handle(x *exchange) (whole bool) {
	defer func() {
		if whole {
			return
		}
		if cause := recover(); cause != nil && cause != http.ErrAbortHandler { //nolint:errorlint // it is never wrapped: a panic value
			c.server.logf("http: panic serving %v: %v\n%s", c.base.RemoteAddr, cause, debug.Stack())
		}
	}()
	c.server.Handler.ServeHTTP(&x.response, &x.request)
	return true
}

// settle keeps the sweeper from the connection, and takes back a kick.
func (c *conn) settle() {
	c.state.Store(stamp(busy, c.server.now.Load()))
	c.revive()
}

// verdict is what came of waiting for a request.
type verdict int

const (
	plain verdict = iota
	notPlain
	over
)

// next waits for a request.
func (c *conn) next() (*exchange, verdict) {
	word := c.state.Load()
	from, have := 0, c.r < c.w
	for {
		if have {
			end, next, ok := headEnd(c.in[c.r:c.w], from)
			switch {
			case !ok, end == 0 && c.full(), c.tooLong(max(end, next)):
				return nil, notPlain
			case end > 0:
				return c.begin(word, string(c.in[c.r:c.r+end]))
			}
			from = next
			if state, _ := unstamp(word); state == idle {
				was := word
				word = stamp(begun, c.server.now.Load())
				c.become(was, word)
			}
		}
		ended, err := c.fill(&word)
		if err != nil || ended {
			if errors.Is(err, errNotWhole) {
				return nil, notPlain // which is a bad request
			}
			return nil, over
		}
		have = true
	}
}

// begin makes the request of its head.
func (c *conn) begin(word int64, head string) (*exchange, verdict) {
	x := c.newExchange()
	if !x.parse(head) {
		return nil, notPlain
	}
	c.r += len(head)
	c.become(word, stamp(busy, c.server.now.Load()))
	if !c.used.Load() {
		c.used.Store(true)
	}
	x.ready(c)
	return x, plain
}

func (c *conn) full() bool { return c.r == 0 && c.w == len(c.in) }

func (c *conn) tooLong(n int) bool {
	return c.server.MaxHeaderBytes > 0 && n > c.server.MaxHeaderBytes
}

// errNotWhole says that the connection has ended within a head.
var errNotWhole = errors.New("the connection ended within the head of a request")

// fill reads more. It is ended if the sweeper found that the connection should
// be.
func (c *conn) fill(word *int64) (ended bool, err error) {
	c.take()
	if c.r > 0 {
		c.w = copy(c.in, c.in[c.r:c.w])
		c.r = 0
	}
	if c.server.closing.Load() && c.w == 0 {
		return true, nil
	}
	n, err := c.net.Read(c.in[c.w:])
	c.w += n
	switch {
	case n > 0:
		return false, nil // what ended it will be met again
	case errors.Is(err, os.ErrDeadlineExceeded):
		return c.rest(word)
	case c.w > 0:
		return false, errNotWhole
	}
	return false, err
}

// rest is what a connection does that was kicked: if it was idle for a short
// time only, it gives its memory back and waits on without.
func (c *conn) rest(word *int64) (ended bool, err error) {
	state, since := unstamp(*word)
	c.revive()
	if state != idle || c.server.closing.Load() || c.server.now.Load()-since > c.server.rounds(c.server.IdleTimeout) {
		return true, nil
	}
	c.state.Store(*word)
	c.spare()
	if err := waitReadable(c.socket); err != nil {
		return true, nil //nolint:nilerror // the deadline has passed, or it is closed
	}
	return c.fill(word)
}
