package h1

import (
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// body is a request's body of known length. It may be read by another
// goroutine than the handler's, also after the handler has returned; then it
// has ended for all.
type body struct {
	mu     sync.Mutex // held while the client is waited for
	c      *conn
	ctx    *requestContext // ends if the body breaks off
	left   int64
	closed bool
	err    error // why it has ended before its end

	whole atomic.Bool // all of it was read
}

// wholeRead reports whether all of the body was read, or there is none.
func (b *body) wholeRead() bool { return b.whole.Load() }

// Read reads the body. The last of it comes with io.EOF.
func (b *body) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return 0, http.ErrBodyReadAfterClose
	}
	return b.read(p)
}

func (b *body) read(p []byte) (int, error) {
	switch {
	case b.left == 0:
		return 0, io.EOF
	case b.err != nil:
		return 0, b.err
	case len(p) == 0:
		return 0, nil
	}
	n, err := b.c.readBody(p[:min(int64(len(p)), b.left)])
	if b.left -= int64(n); b.left == 0 {
		b.whole.Store(true)
		return n, io.EOF
	}
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	if b.err = err; err != nil {
		b.ctx.cancel()
	}
	return n, err
}

// Close has reads fail from now on. What is left of a body of moderate length is
// read first, so that the connection can go on.
func (b *body) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil
	}
	b.closed = true
	return b.discard()
}

// discard reads the rest, if that is not too much.
func (b *body) discard() error {
	if b.left > mostDrained {
		return nil
	}
	_, err := io.Copy(io.Discard, reader(b.read))
	return err
}

// reader is a func that is an io.Reader.
type reader func(p []byte) (int, error)

// Read implements [io.Reader].
func (r reader) Read(p []byte) (int, error) { return r(p) }

// drain reads what nobody has read, if that is not too much, and reports
// whether the body has come to its end.
func (b *body) drain() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed || b.err != nil {
		return b.left == 0
	}
	return b.discard() == nil && b.left == 0
}

// end ends the body for all, and a read under way first. It reports whether
// all of it was read.
func (b *body) end() bool {
	if b.c == nil {
		return true
	}
	if !b.mu.TryLock() {
		_ = b.c.net.SetReadDeadline(past)
		b.mu.Lock()
		_ = b.c.net.SetReadDeadline(time.Time{})
	}
	defer b.mu.Unlock()
	b.closed = true
	return b.left == 0
}
