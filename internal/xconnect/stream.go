package xconnect

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"
)

// stream is the hijacked connection: what is read comes from the request's
// body, what is written goes to the response.
//
// Go's servers end a stream only when its handler returns, and then drop what
// the client still sends. So the end of our side, CloseWrite, is the end of
// the stream; the client may end his before. WebSockets close no other way:
// whoever ends the connection has heard the other's last frame (RFC 6455,
// section 7.1.1).
type stream struct {
	body          io.ReadCloser
	control       *http.ResponseController
	key           string
	local, remote net.Addr

	over     chan struct{} // closed with the stream
	overOnce sync.Once

	// live is held for reading by who uses control: after the handler has
	// returned nobody may.
	live  sync.RWMutex
	ended bool

	// write is held while something is written.
	write    sync.Mutex
	w        http.ResponseWriter
	head     *head // of the answer that is being written; nil once it was a 101
	answered bool
}

func newStream(w http.ResponseWriter, r *http.Request, key string) *stream {
	s := &stream{
		body: r.Body, control: http.NewResponseController(w), key: key, w: w, over: make(chan struct{}),
		remote: address(r.RemoteAddr), local: address(""),
	}
	s.head = &head{answer: s.relay}
	if local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok {
		s.local = local
	}
	return s
}

// address reads what a server gives as the client's address.
func address(text string) net.Addr {
	ap, _ := netip.ParseAddrPort(text)
	return net.TCPAddrFromAddrPort(ap)
}

// wait returns when the stream has ended, and keeps others from using it. It
// aborts a stream that was never answered: its plain end would be a success.
func (s *stream) wait(ctx context.Context) {
	select {
	case <-s.over:
	case <-ctx.Done(): // the client has reset the stream, or is gone
	}
	_ = s.Close() // and wait for another's Close to be done
	s.live.Lock()
	s.ended = true
	s.live.Unlock()
	if !s.answered {
		panic(http.ErrAbortHandler)
	}
}

// Read reads what the client sends, io.EOF after the end of his side.
func (s *stream) Read(p []byte) (int, error) {
	n, err := s.body.Read(p)
	if err != nil && !errors.Is(err, io.EOF) && s.isOver() {
		err = net.ErrClosed
	}
	return n, err
}

// Write sends to the client, and returns when his window has taken it.
func (s *stream) Write(p []byte) (int, error) {
	s.write.Lock()
	defer s.write.Unlock()
	switch {
	case s.isOver():
		return 0, net.ErrClosed
	case s.head == nil:
		return s.send(p)
	}
	rest, err := s.head.add(p)
	if err == nil && s.head.switches() {
		if err = s.accept(s.head.header); err == nil {
			s.head = nil
			_, err = s.send(rest)
		}
	}
	if err != nil {
		return 0, err
	}
	return len(p), nil
}

// send writes at once. The lock is held.
func (s *stream) send(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	n, err := s.w.Write(p)
	if err != nil {
		return n, err
	}
	return n, s.control.Flush()
}

// open answers with the header of a 101 that was written by WriteHeader.
func (s *stream) open(h http.Header) error {
	s.write.Lock()
	defer s.write.Unlock()
	if err := s.accept(h); err != nil {
		return err
	}
	s.head = nil
	return nil
}

// isOver reports whether the stream has been closed.
func (s *stream) isOver() bool {
	select {
	case <-s.over:
		return true
	default:
		return false
	}
}

// CloseWrite ends the stream; see there.
func (s *stream) CloseWrite() error { return s.Close() }

// Close ends the stream. A write that waits for the client's window fails, and
// breaks the stream off.
func (s *stream) Close() error {
	s.overOnce.Do(func() {
		close(s.over)
		if !s.write.TryLock() {
			_ = s.SetWriteDeadline(time.Now().Add(-time.Second)) // or it fails by itself
			s.write.Lock()
		}
		if s.head != nil {
			s.head.end()
		}
		s.write.Unlock()
		_ = s.body.Close()
	})
	return nil
}

// LocalAddr returns the server's address.
func (s *stream) LocalAddr() net.Addr { return s.local }

// RemoteAddr returns the client's address.
func (s *stream) RemoteAddr() net.Addr { return s.remote }

// SetDeadline sets both deadlines. One that has passed is final: nothing more
// can be read, or the stream is broken off.
func (s *stream) SetDeadline(t time.Time) error {
	return errors.Join(s.SetReadDeadline(t), s.SetWriteDeadline(t))
}

// SetReadDeadline sets the time after which reads fail for good.
func (s *stream) SetReadDeadline(t time.Time) error {
	return s.deadline(s.control.SetReadDeadline, t)
}

// SetWriteDeadline sets the time after which the stream is broken off.
func (s *stream) SetWriteDeadline(t time.Time) error {
	return s.deadline(s.control.SetWriteDeadline, t)
}

// deadline sets one of the two, unless the handler has returned.
func (s *stream) deadline(set func(time.Time) error, t time.Time) error {
	s.live.RLock()
	defer s.live.RUnlock()
	if s.ended {
		return net.ErrClosed
	}
	return set(t)
}
