package engine

import (
	"crypto/tls"
	"net"
	"sync"
)

// queue is the listener at which net/http's server finds the connections that
// are its to serve.
type queue struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newQueue() *queue { return &queue{conns: make(chan net.Conn), closed: make(chan struct{})} }

// put hands a connection over, or closes it if nobody is there any more.
func (q *queue) put(c net.Conn) {
	select {
	case q.conns <- c:
	case <-q.closed:
		_ = c.Close()
	}
}

// Accept implements [net.Listener].
func (q *queue) Accept() (net.Conn, error) {
	select {
	case c := <-q.conns:
		return c, nil
	case <-q.closed:
		return nil, net.ErrClosed
	}
}

// Close implements [net.Listener].
func (q *queue) Close() error {
	q.once.Do(func() { close(q.closed) })
	return nil
}

// Addr implements [net.Listener].
func (q *queue) Addr() net.Addr { return queueAddr{} }

type queueAddr struct{}

func (queueAddr) Network() string { return "internal" }
func (queueAddr) String() string  { return "connections handed over" }

// withUnread returns the connection as if some bytes had not been read of it. It
// can all that the connection can, as far as servers and handlers make use of
// it: a session tells net/http's server its state, and so handlers that there
// is one.
func withUnread(c net.Conn, unread []byte) net.Conn {
	if len(unread) == 0 {
		return c
	}
	if session, ok := c.(*tls.Conn); ok {
		return &unreadSession{session, unread}
	}
	return &unreadConn{c, unread}
}

// unreadSession is a TLS session with bytes read ahead.
type unreadSession struct {
	*tls.Conn
	unread []byte
}

// Read implements [net.Conn].
func (c *unreadSession) Read(p []byte) (int, error) {
	if len(c.unread) > 0 {
		return take(&c.unread, p), nil
	}
	return c.Conn.Read(p)
}

// unreadConn is another connection with bytes read ahead.
type unreadConn struct {
	net.Conn
	unread []byte
}

// Read implements [net.Conn].
func (c *unreadConn) Read(p []byte) (int, error) {
	if len(c.unread) > 0 {
		return take(&c.unread, p), nil
	}
	return c.Conn.Read(p)
}

// NetConn returns the connection below.
func (c *unreadConn) NetConn() net.Conn { return c.Conn }

// CloseWrite half-closes the connection, or closes it if it cannot.
func (c *unreadConn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return c.Conn.Close()
}

// take moves bytes from what is unread into p.
func take(unread *[]byte, p []byte) int {
	n := copy(p, *unread)
	if *unread = (*unread)[n:]; len(*unread) == 0 {
		*unread = nil
	}
	return n
}
