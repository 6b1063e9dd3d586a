package transport

import (
	"crypto/tls"
	"net"
)

// link performs the first part of an exchange: it makes sure that the
// connection is neither closed nor holds bytes that nobody asked for, writes
// the head of the request, and reads what comes first, into c.buf.
//
// It returns errStale if nothing was written. If more is to be written after
// the head (the body), it returns without having read.
type link interface {
	exchange(c *wire, head []byte, more bool) error
}

// newLink returns what suits the kind of connection.
func newLink(c net.Conn) link {
	switch c := c.(type) {
	case *net.TCPConn:
		if l := newTCPLink(c); l != nil {
			return l
		}
	case *tls.Conn:
		if under, ok := c.NetConn().(*polled); ok {
			return &tlsLink{under}
		}
	}
	return plainLink{}
}

// plainLink is for connections that cannot be asked whether they are alive.
type plainLink struct{}

func (plainLink) exchange(c *wire, head []byte, more bool) error {
	n, err := c.net.Write(head)
	switch {
	case err != nil && n == 0:
		return errStale
	case err != nil:
		return err
	case more:
		return nil
	}
	return c.fill()
}

// tlsLink is for TLS on TCP. The session itself is asked, since records that
// are no data may have come in the meantime, and data that was read ahead.
type tlsLink struct{ under *polled }

func (l *tlsLink) exchange(c *wire, head []byte, more bool) error {
	if c.reused {
		l.under.poll = true
		n, err := c.net.Read(c.s.probe[:])
		l.under.poll = false
		if n > 0 || err != errNothing { //nolint:errorlint // polled returns that very value, and the session passes it on
			return errStale
		}
	}
	return plainLink{}.exchange(c, head, more)
}

// polled is a TCP connection below a TLS session. In poll mode Read does not
// wait.
type polled struct {
	*net.TCPConn
	poll bool
	now  poller
}

func (p *polled) Read(b []byte) (int, error) {
	if !p.poll {
		return p.TCPConn.Read(b)
	}
	return p.now.read(p.TCPConn, b)
}

// errNothing says that a read would have to wait. It is a temporary error for
// the session above, which can be read from afterwards.
var errNothing net.Error = nothing{}

type nothing struct{}

func (nothing) Error() string   { return "nothing to read yet" }
func (nothing) Timeout() bool   { return true }
func (nothing) Temporary() bool { return true }

// speaksH2 reports whether HTTP/2 was agreed on.
func speaksH2(c net.Conn) bool {
	session, ok := c.(*tls.Conn)
	return ok && session.ConnectionState().NegotiatedProtocol == "h2"
}
