package portforward

import (
	"bufio"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"k8s.io/streaming/pkg/httpstream"
)

const (
	// maxMessage bounds what is read of an error.
	maxMessage = 64 << 10
	// messageTime is how long after a connection that ended without a byte its
	// error is waited for.
	messageTime = time.Second
)

// Conn is a connection to a port. It knows no deadlines; Close unblocks Read.
type Conn struct {
	session *session
	data    httpstream.Stream
	errs    httpstream.Stream

	// connected, ended and over are closed when the API server has said so of
	// the backend, and when it has nothing more to say.
	connected, ended, over chan struct{}
	address                string // set before connected is closed
	message                string // set before over is closed

	got        atomic.Bool // a byte
	readEnd    atomic.Bool // read to its end
	closeWrite sync.Once
	writeEnd   atomic.Bool
	once       sync.Once
}

var _ net.Conn = (*Conn)(nil)

func newConn(s *session, data, errs httpstream.Stream) *Conn {
	c := &Conn{
		session: s, data: data, errs: errs,
		connected: make(chan struct{}), ended: make(chan struct{}), over: make(chan struct{}),
	}
	go c.listen()
	return c
}

// listen reads what the API server says of the connection.
func (c *Conn) listen() {
	defer close(c.over)
	lines := bufio.NewReader(io.LimitReader(c.errs, maxMessage))
	var text strings.Builder
	defer func() { c.message = strings.TrimSpace(text.String()) }()
	for {
		line, err := lines.ReadString('\n')
		word, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		switch {
		case err == nil && word == ReportConnected && c.address == "":
			c.address = rest
			close(c.connected)
		case err == nil && line == ReportEnded+"\n" && !isClosed(c.ended):
			close(c.ended)
		default:
			text.WriteString(line)
		}
		if err != nil {
			return
		}
	}
}

func isClosed(c chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// Address returns the backend's address if the API server has told it, or "".
func (c *Conn) Address() string {
	if isClosed(c.connected) {
		return c.address
	}
	return ""
}

// Read reads from the backend. A connection that broke ends with an error, as
// far as the API server tells it from one that ended.
func (c *Conn) Read(p []byte) (int, error) {
	n, err := c.data.Read(p)
	if n > 0 {
		c.got.Store(true)
	}
	if err != io.EOF {
		return n, err
	}
	if err = c.ending(); err == io.EOF {
		c.readEnd.Store(true)
	}
	return n, err
}

// ending says what the end of the data means.
func (c *Conn) ending() error {
	if !isClosed(c.connected) {
		return c.untold()
	}
	select {
	case <-c.ended:
	case <-c.over:
		if !isClosed(c.ended) {
			return io.ErrUnexpectedEOF
		}
	}
	return io.EOF
}

// untold is ending where the API server reports nothing: it may still have an
// error to tell.
func (c *Conn) untold() error {
	if c.session.broken() {
		return errBroken
	}
	if c.got.Load() {
		return io.EOF
	}
	wait := time.NewTimer(messageTime)
	defer wait.Stop()
	select {
	case <-c.over:
		if c.message != "" {
			return &RefusedError{c.message}
		}
	case <-wait.C:
	}
	return io.EOF
}

// Write writes to the backend.
func (c *Conn) Write(p []byte) (int, error) {
	// A stream that was reset would take any number of bytes, for nobody.
	finished, ok := c.data.(interface{ IsFinished() bool })
	if ok && finished.IsFinished() && !c.writeEnd.Load() {
		return 0, errors.New("the connection was reset")
	}
	return c.data.Write(p)
}

// CloseWrite tells the backend that nothing more comes.
func (c *Conn) CloseWrite() error {
	var err error
	c.closeWrite.Do(func() {
		c.writeEnd.Store(true)
		err = c.data.Close()
	})
	return err
}

// Close ends the connection. One that has not ended both ways is broken off:
// the session is closed with it, which is what the API server cannot mistake.
func (c *Conn) Close() error {
	c.once.Do(func() {
		if !c.readEnd.Load() || !c.writeEnd.Load() {
			c.session.close()
			return
		}
		c.forget()
		c.session.of.release(c.session)
	})
	return nil
}

// forget drops the streams.
func (c *Conn) forget() {
	// The other side may be gone, and does not need to hear of it.
	_, _ = c.data.Reset(), c.errs.Reset()
	c.session.conn.RemoveStreams(c.data, c.errs)
}

// LocalAddr and RemoteAddr name nothing that could be dialled.
func (c *Conn) LocalAddr() net.Addr { return addr("") }

// RemoteAddr returns the backend's address if it is known.
func (c *Conn) RemoteAddr() net.Addr { return addr(c.Address()) }

// SetDeadline and the others return [os.ErrNoDeadline].
func (c *Conn) SetDeadline(time.Time) error { return os.ErrNoDeadline }

// SetReadDeadline returns [os.ErrNoDeadline].
func (c *Conn) SetReadDeadline(time.Time) error { return os.ErrNoDeadline }

// SetWriteDeadline returns [os.ErrNoDeadline].
func (c *Conn) SetWriteDeadline(time.Time) error { return os.ErrNoDeadline }

// addr is an address in words.
type addr string

func (a addr) Network() string { return "tcp" }
func (a addr) String() string  { return string(a) }
