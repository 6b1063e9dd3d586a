package h2test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strconv"

	"golang.org/x/net/http2"
)

// Stream is one stream of a Conn.
type Stream struct {
	conn *Conn
	id   uint32

	// Guarded by conn.mu.
	send  int64
	heads []http.Header // of the response, those of 1xx too, with ":status"
	in    bytes.Buffer
	owed  int // bytes that were read and not given back to the server's window
	ended bool
	reset *http2.ErrCode
	final bool // the last of heads is the response's
}

func (s *Stream) headers(f *http2.MetaHeadersFrame) {
	h := http.Header{}
	for _, field := range f.Fields {
		name := field.Name
		if !field.IsPseudo() {
			name = http.CanonicalHeaderKey(name)
		}
		h[name] = append(h[name], field.Value)
	}
	if !s.final { // else it is the trailer
		status := h[":status"]
		s.final = len(status) == 1 && status[0][0] != '1'
		s.heads = append(s.heads, h)
	}
	s.ended = s.ended || f.StreamEnded()
}

// Head waits for the final response head and returns its status and fields.
func (s *Stream) Head() (int, http.Header, error) {
	h := s.conn
	h.mu.Lock()
	defer h.mu.Unlock()
	for !s.final {
		if err := s.failure(); err != nil {
			return 0, nil, err
		}
		h.change.Wait()
	}
	head := s.heads[len(s.heads)-1]
	status, err := strconv.Atoi(head[":status"][0])
	return status, head, err
}

// failure says why nothing more will come. The lock is held.
func (s *Stream) failure() error {
	switch {
	case s.reset != nil:
		return fmt.Errorf("the stream was reset: %v", *s.reset)
	case s.conn.err != nil:
		return fmt.Errorf("the connection ended: %w", s.conn.err)
	default:
		return nil
	}
}

// Read returns what the server sends, io.EOF after its end.
func (s *Stream) Read(p []byte) (int, error) {
	h := s.conn
	h.mu.Lock()
	defer h.mu.Unlock()
	for s.in.Len() == 0 {
		if s.ended {
			return 0, io.EOF
		}
		if err := s.failure(); err != nil {
			return 0, err
		}
		h.change.Wait()
	}
	n, _ := s.in.Read(p)
	if s.owed += n; s.owed < window/4 && s.in.Len() > 0 {
		return n, nil
	}
	owed := uint32(s.owed)
	s.owed = 0
	if err := h.framer.WriteWindowUpdate(0, owed); err != nil {
		return n, nil //nolint:nilerr // the next read tells
	}
	_ = h.framer.WriteWindowUpdate(s.id, owed) // as above
	return n, nil
}

// Write sends data, as much at a time as the windows have room for.
func (s *Stream) Write(p []byte) (int, error) {
	h := s.conn
	h.mu.Lock()
	defer h.mu.Unlock()
	sent := 0
	for len(p) > 0 {
		room := min(s.send, h.send, 16384, int64(len(p)))
		if err := s.failure(); err != nil {
			return sent, err
		}
		if room <= 0 {
			h.change.Wait()
			continue
		}
		if err := h.framer.WriteData(s.id, false, p[:room]); err != nil {
			return sent, fmt.Errorf("sending data: %w", err)
		}
		s.send, h.send = s.send-room, h.send-room
		sent, p = sent+int(room), p[room:]
	}
	return sent, nil
}

// CloseWrite says that no more data will come (END_STREAM).
func (s *Stream) CloseWrite() error {
	s.conn.mu.Lock()
	defer s.conn.mu.Unlock()
	return s.conn.framer.WriteData(s.id, true, nil)
}

// Reset breaks the stream off.
func (s *Stream) Reset() error {
	s.conn.mu.Lock()
	defer s.conn.mu.Unlock()
	return s.conn.framer.WriteRSTStream(s.id, http2.ErrCodeCancel)
}

// Wait waits until the server has ended or reset the stream, and returns nil
// for an end.
func (s *Stream) Wait() error {
	h := s.conn
	h.mu.Lock()
	defer h.mu.Unlock()
	for !s.ended {
		if err := s.failure(); err != nil {
			return err
		}
		h.change.Wait()
	}
	return nil
}
