package conn

import (
	"net"
	"sync/atomic"
)

// Counter counts the bytes of one direction. A nil Counter counts nothing.
type Counter struct{ n atomic.Int64 }

// Add counts n more bytes.
func (c *Counter) Add(n int64) {
	if c != nil {
		c.n.Add(n)
	}
}

// Load returns the bytes counted so far.
func (c *Counter) Load() int64 {
	if c == nil {
		return 0
	}
	return c.n.Load()
}

// Buffered is a connection of which some bytes were read ahead: Read returns
// those first.
type Buffered struct {
	net.Conn
	ahead []byte
}

// WithAhead returns c as if ahead had not been read from it yet. It keeps the
// half close of c.
func WithAhead(c net.Conn, ahead []byte) net.Conn {
	if len(ahead) == 0 {
		return c
	}
	return &Buffered{Conn: c, ahead: ahead}
}

// Read returns the bytes read ahead, then those of the connection.
func (b *Buffered) Read(p []byte) (int, error) {
	if len(b.ahead) == 0 {
		return b.Conn.Read(p)
	}
	n := copy(p, b.ahead)
	b.ahead = b.ahead[n:]
	return n, nil
}

// CloseWrite half-closes the connection below, or closes it if it cannot.
func (b *Buffered) CloseWrite() error {
	if half, ok := b.Conn.(HalfCloser); ok {
		return half.CloseWrite()
	}
	return b.Close()
}
