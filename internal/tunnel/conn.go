package tunnel

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// linger is how long what was written before Close may take to leave.
const linger = 30 * time.Second

// stream is a connection through a tunnel, at the dialler's end.
//
// Two pipes in memory, without buffers, give what streams of HTTP/2 lack: a
// deadline for each direction.
type stream struct {
	address addr
	// in is what is read; into its other end goes what comes.
	in, arriving net.Conn
	// out is what is written to; its other end is the request's body.
	out, leaving net.Conn
	failure      atomic.Pointer[error] // why reading ended, if it was not an end
	reset        context.CancelFunc    // breaks the stream off

	mu     sync.Mutex
	closed bool
	sent   bool        // all that was written has left, and the end with it
	late   *time.Timer // resets a stream that was closed and takes too long
}

// addr is what was asked for.
type addr string

func (addr) Network() string  { return "tcp" }
func (a addr) String() string { return string(a) }

func newStream(address string, reset context.CancelFunc) *stream {
	s := &stream{address: addr(address), reset: reset}
	s.in, s.arriving = net.Pipe()
	s.out, s.leaving = net.Pipe()
	return s
}

// receive takes what comes until it ends.
func (s *stream) receive(body io.ReadCloser) {
	if err := readRecords(s.arriving, body); err != nil {
		s.failure.Store(&err)
		s.reset() // there is nobody to write to either
	}
	s.arriving.Close()
}

// Read implements [net.Conn].
func (s *stream) Read(p []byte) (int, error) {
	n, err := s.in.Read(p)
	switch failure := s.failure.Load(); {
	case err == nil || isTimeout(err):
	case s.isClosed():
		err = net.ErrClosed
	case failure != nil:
		err = *failure
	default:
		err = io.EOF
	}
	return n, err
}

// Write implements [net.Conn].
func (s *stream) Write(p []byte) (int, error) {
	n, err := s.out.Write(p)
	switch {
	case err == nil || isTimeout(err):
	case s.isClosed():
		err = net.ErrClosed
	default:
		err = syscall.EPIPE
	}
	return n, err
}

func isTimeout(err error) bool {
	var t net.Error
	return errors.As(err, &t) && t.Timeout()
}

// CloseWrite says that no more comes from here.
func (s *stream) CloseWrite() error { return s.out.Close() }

// Close implements [net.Conn]. What was written still arrives.
func (s *stream) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	s.in.Close()
	s.out.Close()
	if s.sent {
		s.reset()
	} else {
		s.late = time.AfterFunc(linger, s.reset)
	}
	return nil
}

func (s *stream) isClosed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed
}

// upload is what is written to a stream, as the body of a request.
type upload struct{ *stream }

// Read implements [io.Reader]. Who asks for more has sent what he got before.
func (u upload) Read(p []byte) (int, error) {
	n, err := u.leaving.Read(p)
	if err != nil {
		u.left()
	}
	return n, err
}

// Close implements [io.Closer]: nobody reads any more.
func (u upload) Close() error {
	u.left()
	return u.leaving.Close()
}

// left is called when nothing more will leave.
func (s *stream) left() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sent {
		return
	}
	s.sent = true
	if s.closed {
		s.late.Stop()
		s.reset()
	}
}

// LocalAddr implements [net.Conn]. There is none.
func (s *stream) LocalAddr() net.Addr { return addr("tunnel") }

// RemoteAddr implements [net.Conn].
func (s *stream) RemoteAddr() net.Addr { return s.address }

// SetDeadline implements [net.Conn].
func (s *stream) SetDeadline(t time.Time) error {
	return errors.Join(s.SetReadDeadline(t), s.SetWriteDeadline(t))
}

// SetReadDeadline implements [net.Conn].
func (s *stream) SetReadDeadline(t time.Time) error { return s.in.SetReadDeadline(t) }

// SetWriteDeadline implements [net.Conn].
func (s *stream) SetWriteDeadline(t time.Time) error { return s.out.SetWriteDeadline(t) }
