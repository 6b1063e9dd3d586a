package conn

import (
	"bufio"
	"context"
	"errors"
	"net"
	"net/http"
)

// ErrDisconnected is the cause of a context's end where a connection has broken.
var ErrDisconnected = errors.New("the connection has broken")

// WhileConnected returns a context that ends when the connection of an upgraded
// request breaks, with the cause [ErrDisconnected], or when done is called; and what is to serve that request: a
// response that tells of its connection, and the request with that context. A
// request's own context says nothing any more once somebody has taken over its
// connection, and then what was started for it would go on when its client dies.
func WhileConnected(w http.ResponseWriter, r *http.Request) (http.ResponseWriter, *http.Request, func()) {
	ctx, cancel := context.WithCancelCause(r.Context())
	broken := func() { cancel(ErrDisconnected) }
	return &taken{ResponseWriter: w, ctx: ctx, broken: broken}, r.WithContext(ctx), func() { cancel(nil) }
}

// taken is a response whose connection is watched once it is taken over.
type taken struct {
	http.ResponseWriter
	ctx    context.Context
	broken func()
}

// Hijack implements [http.Hijacker].
func (t *taken) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	c, buffered, err := http.NewResponseController(t.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	go awaitHangup(t.ctx, c, t.broken)
	watched := &watchedConn{Conn: c, broken: t.broken}
	// What was read already comes first, but from the connection that watches.
	if n := buffered.Reader.Buffered(); n > 0 {
		early, err := buffered.Reader.Peek(n)
		if err != nil {
			c.Close()
			return nil, nil, err
		}
		watched.early = append(watched.early, early...)
	}
	return watched, bufio.NewReadWriter(bufio.NewReader(watched), bufio.NewWriter(watched)), nil
}

// Flush implements [http.Flusher].
func (t *taken) Flush() { _ = http.NewResponseController(t.ResponseWriter).Flush() }

// watchedConn tells when it has broken: when it can no longer be read or
// written. It is read all the time, whatever the streams in it do.
type watchedConn struct {
	net.Conn
	early  []byte
	broken func()
}

// Read implements [net.Conn].
func (c *watchedConn) Read(p []byte) (int, error) {
	if len(c.early) > 0 {
		n := copy(p, c.early)
		c.early = c.early[n:]
		return n, nil
	}
	n, err := c.Conn.Read(p)
	if err != nil {
		c.broken()
	}
	return n, err
}

// Write implements [net.Conn].
func (c *watchedConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	if err != nil {
		c.broken()
	}
	return n, err
}

// Close implements [net.Conn].
func (c *watchedConn) Close() error {
	c.broken()
	return c.Conn.Close()
}
