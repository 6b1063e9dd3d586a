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
	tls     bool
	first   [1]byte
	in      []byte
	r, w    int
	out     []byte // was written and not sent yet
	failed  error  // of sending

	current  atomic.Pointer[exchange] // what is being served
	used     atomic.Bool              // a request has come
	breaks   int                      // of lines, which may come before the next
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
	// mostBreaks is how many bytes of line breaks may come behind a POST.
	mostBreaks = 4
)

type buffers struct {
	in   [bufferSize]byte
	out  [bufferSize]byte
	body [undecided]byte
}

var pool = sync.Pool{New: func() any { return new(buffers) }}

func newConn(s *Server, ctx context.Context, c net.Conn, state *tls.ConnectionState) *conn {
	one := &conn{server: s, net: c, socket: socketOf(c), tls: state != nil, ctx: ctx}
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
	if c.server.broken.Load() {
		x.ctx.cancel()
	}
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
	from := 0
	for {
		if c.skipBreaks(); c.r < c.w {
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
		if err := c.fill(); err != nil {
			if errors.Is(err, errNotWhole) {
				return nil, notPlain // which is a bad request
			}
			return nil, over
		}
	}
}

// skipBreaks skips what old clients say behind the body of a POST, as net/http
// does: it is no beginning of a request.
func (c *conn) skipBreaks() {
	for ; c.breaks > 0 && c.r < c.w && (c.in[c.r] == '\r' || c.in[c.r] == '\n'); c.breaks-- {
		c.r++
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
	if c.breaks = 0; x.request.Method == http.MethodPost {
		c.breaks = mostBreaks
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

// fill reads more. An idle connection takes buffers when there is something to
// put into them, which costs no call of the system's more than to read at once.
func (c *conn) fill() error {
	if c.r == c.w {
		return c.await()
	}
	if c.r > 0 {
		c.w = copy(c.in, c.in[c.r:c.w])
		c.r = 0
	}
	n, err := c.net.Read(c.in[c.w:])
	c.w += n
	if n > 0 {
		return nil // what ended it will be met again
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return err
	}
	return errNotWhole
}

// await waits for the beginning of a request, without buffers.
func (c *conn) await() error {
	c.spare()
	if c.server.closing.Load() {
		return net.ErrClosed
	}
	if c.tls {
		// The session has the rest of the record then.
		if n, err := c.net.Read(c.first[:]); n == 0 {
			return err
		}
		c.take()
		c.w = copy(c.in, c.first[:])
		return nil
	}
	if err := waitReadable(c.socket); err != nil {
		return err
	}
	c.take()
	n, err := c.net.Read(c.in)
	c.w = n
	if n > 0 {
		return nil
	}
	return err
}
