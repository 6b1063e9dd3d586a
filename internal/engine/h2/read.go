package h2

import (
	"fmt"
	"io"
)

// readSize is what is read at once of frames that are not data: several heads
// of requests.
const readSize = 4 << 10

// reader reads from a connection what frames are made of.
type reader struct {
	src  io.Reader
	buf  []byte
	r, w int
	long []byte // for payloads that buf has no room for
}

// need returns the next n bytes, at most readSize, without taking them.
func (r *reader) need(n int) ([]byte, error) {
	if r.w-r.r >= n {
		return r.buf[r.r : r.r+n], nil
	}
	if r.r+n > len(r.buf) {
		r.w = copy(r.buf, r.buf[r.r:r.w])
		r.r = 0
	}
	for r.w-r.r < n {
		got, err := r.src.Read(r.buf[r.w:])
		r.w += got
		if err != nil && r.w-r.r < n {
			return nil, err
		}
	}
	return r.buf[r.r : r.r+n], nil
}

// take takes n bytes that need has returned.
func (r *reader) take(n int) {
	if r.r += n; r.r == r.w {
		r.r, r.w = 0, 0
	}
}

// payload takes n bytes. They are valid until more is read.
func (r *reader) payload(n int) ([]byte, error) {
	if n <= len(r.buf) {
		b, err := r.need(n)
		if err == nil {
			r.take(n)
		}
		return b, err
	}
	if cap(r.long) < n {
		r.long = make([]byte, frameSize)
	}
	b := r.long[:n]
	_, err := io.ReadFull(r, b)
	return b, err
}

// Read takes what is there, and reads past the buffer what is not.
func (r *reader) Read(p []byte) (int, error) {
	if r.r < r.w {
		n := copy(p, r.buf[r.r:r.w])
		r.take(n)
		return n, nil
	}
	return r.src.Read(p)
}

// discard takes n bytes.
func (r *reader) discard(n int) error {
	for n > 0 {
		part := min(n, len(r.buf))
		if _, err := r.need(part); err != nil {
			return fmt.Errorf("skipping a frame: %w", err)
		}
		r.take(part)
		n -= part
	}
	return nil
}
