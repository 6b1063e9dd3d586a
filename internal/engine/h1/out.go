package h1

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// emit puts bytes behind what is to be sent, and sends what does not fit.
func (c *conn) emit(p []byte) {
	if len(c.out)+len(p) <= bufferSize {
		c.out = append(c.out, p...)
		return
	}
	if len(c.out) > 0 {
		if room := bufferSize - len(c.out); room > 0 {
			c.out = append(c.out, p[:room]...)
			p = p[room:]
		}
		c.send()
	}
	if len(p) < bufferSize {
		c.out = append(c.out, p...)
		return
	}
	c.write(p)
}

// send sends what was put.
func (c *conn) send() {
	if len(c.out) > 0 {
		c.write(c.out)
		if cap(c.out) > bufferSize { // a long head
			c.out = c.buffers.out[:0]
		}
		c.out = c.out[:0]
	}
}

// write writes to the client. An error is there for all that comes after.
func (c *conn) write(p []byte) {
	if c.failed != nil {
		return
	}
	if _, err := c.net.Write(p); err != nil {
		c.failed = err
		c.current.Load().ctx.cancel()
	}
}

// readBody reads bytes of a request's body.
func (c *conn) readBody(p []byte) (int, error) {
	if c.r == c.w && len(p) < len(c.in)/2 {
		n, err := c.net.Read(c.in)
		c.r, c.w = 0, n
		if n == 0 {
			return 0, err
		}
	}
	if c.r < c.w {
		n := copy(p, c.in[c.r:c.w])
		c.r += n
		return n, nil
	}
	return c.net.Read(p)
}

// The bounds of what is read of a client that has been refused: how long it may
// pause, how long it may take, and how much it may send.
const (
	lingerPause = 5 * time.Second
	lingerTime  = 30 * time.Second
	lingerMost  = 16 << 20
)

// linger says that no more will come, and reads for a while what the client
// still sends: the system would answer that with a reset, by which the client
// would lose the answer (RFC 9112, section 9.6).
func (c *conn) linger() {
	below := c.net
	if outer, ok := c.net.(interface {
		CloseWrite() error
		NetConn() net.Conn
	}); ok { // TLS says so itself
		if outer.CloseWrite() != nil {
			return
		}
		below = outer.NetConn()
	}
	if half, ok := below.(interface{ CloseWrite() error }); !ok || half.CloseWrite() != nil {
		return
	}
	end := time.Now().Add(lingerTime)
	for most := 0; most < lingerMost && !c.server.closing.Load() && time.Now().Before(end); {
		if below.SetReadDeadline(time.Now().Add(lingerPause)) != nil {
			return
		}
		n, err := below.Read(c.in) // whatever it is
		if err != nil {
			return
		}
		most += n
	}
}

// Hijack gives the connection to the handler.
func (w *response) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	c := w.c
	if c.hijacked {
		return nil, nil, http.ErrHijacked
	}
	if w.over.Load() {
		return nil, nil, errOver
	}
	c.hijacked = true
	c.server.leave(c)
	c.current.Store(nil)
	if err := c.net.SetDeadline(time.Time{}); err != nil {
		return nil, nil, err
	}
	ahead := append([]byte(nil), c.in[c.r:c.w]...)
	in := bufio.NewReaderSize(io.MultiReader(bytes.NewReader(ahead), c.net), max(4<<10, len(ahead)))
	if _, err := in.Peek(len(ahead)); err != nil {
		return nil, nil, err
	}
	return c.net, bufio.NewReadWriter(in, bufio.NewWriter(c.net)), nil
}

// CloseNotify tells of the client's leaving; see [http.CloseNotifier].
func (w *response) CloseNotify() <-chan bool {
	gone := make(chan bool, 1)
	w.x.ctx.AfterFunc(func() {
		if !w.over.Load() {
			gone <- true
		}
	})
	return gone
}

// SetReadDeadline implements [http.ResponseController].
func (w *response) SetReadDeadline(t time.Time) error {
	if w.over.Load() {
		return errOver
	}
	w.deadlines = true
	return w.c.net.SetReadDeadline(t)
}

// SetWriteDeadline implements [http.ResponseController].
func (w *response) SetWriteDeadline(t time.Time) error {
	if w.over.Load() {
		return errOver
	}
	w.deadlines = true
	return w.c.net.SetWriteDeadline(t)
}

// EnableFullDuplex has the request's body be left alone when the answer begins.
func (w *response) EnableFullDuplex() error {
	w.fullDuplex = true
	return nil
}

// writerOnly hides ReadFrom.
type writerOnly struct{ io.Writer }

// copies are for bodies that must be copied.
var copies = sync.Pool{New: func() any { return new([32 << 10]byte) }}

func copyPooled(dst writerOnly, src io.Reader) (int64, error) {
	buf := copies.Get().(*[32 << 10]byte)
	defer copies.Put(buf)
	return io.CopyBuffer(dst, struct{ io.Reader }{src}, buf[:])
}

// sniffed is how much of a body its type is guessed from.
const sniffed = 512

// ReadFrom implements [io.ReaderFrom], so that a file or a socket goes into a
// plain connection without a detour.
func (w *response) ReadFrom(src io.Reader) (int64, error) {
	to, direct := w.c.net.(io.ReaderFrom)
	if !direct || w.c.hijacked || w.over.Load() {
		return copyPooled(writerOnly{w}, src)
	}
	n := int64(0)
	if !w.complete { // a source that fails at once may still be answered otherwise
		var err error
		if n, err = copyPooled(writerOnly{w}, io.LimitReader(src, sniffed)); err != nil || n < sniffed {
			return n, err
		}
	}
	if err := w.FlushError(); err != nil {
		return n, err
	}
	if w.chunked || w.bodiless() {
		more, err := copyPooled(writerOnly{w}, src)
		return n + more, err
	}
	more, err := to.ReadFrom(src)
	w.written += more
	w.closing = w.closing || err != nil
	return n + more, err
}
