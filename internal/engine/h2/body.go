package h2

import (
	"errors"
	"io"
	"net/http"
	"os"
	"sync"
)

// body is a request's body. The connection's reader fills it, as far as the
// stream's window goes, and the handler reads it.
type body struct {
	st   *stream
	asks bool // 100 Continue is to be sent when it is first read; the handler's

	mu      sync.Mutex
	change  sync.Cond
	chunks  []*chunk
	size    int
	err     error // what Read returns when nothing is left
	dead    bool  // nothing is to be kept any more
	filling bool
	trailer http.Header
}

const chunkSize = frameSize

type chunk struct {
	b    [chunkSize]byte
	r, w int
}

var chunks = sync.Pool{New: func() any { return new(chunk) }}

func (b *body) init(st *stream) {
	b.st = st
	b.change.L = &b.mu
}

// fill takes n bytes from the connection.
func (b *body) fill(in *reader, n int) error {
	for n > 0 {
		c := b.tail()
		if c == nil {
			if err := in.discard(n); err != nil {
				return err
			}
			b.st.conn.credit(nil, n)
			return nil
		}
		// Only what is behind c.w is written, and nobody else looks there.
		got, err := in.Read(c.b[c.w:min(chunkSize, c.w+n)])
		n -= got
		dropped := b.filled(c, got)
		b.st.conn.credit(nil, dropped)
		if err != nil && n > 0 {
			return err
		}
	}
	return nil
}

// tail returns a chunk that has room, nil if nothing is to be kept.
func (b *body) tail() *chunk {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.dead {
		return nil
	}
	b.filling = true
	if n := len(b.chunks); n > 0 && b.chunks[n-1].w < chunkSize {
		return b.chunks[n-1]
	}
	c := chunks.Get().(*chunk)
	c.r, c.w = 0, 0
	b.chunks = append(b.chunks, c)
	return c
}

// filled says that n bytes are in a chunk. It returns those that nobody wants.
func (b *body) filled(c *chunk, n int) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.filling = false
	if b.dead {
		return n
	}
	c.w += n
	b.size += n
	b.change.Signal()
	return 0
}

// end says that all has come.
func (b *body) end() { b.fail(io.EOF) }

// fail has the error returned once what has come is read.
func (b *body) fail(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err == nil {
		b.err = err
	}
	if b.change.L != nil {
		b.change.Broadcast()
	}
}

// kill has the error returned at once. It returns how much was not read.
func (b *body) kill(err error) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.change.L == nil || b.dead {
		return 0
	}
	b.dead = true
	if b.err == nil || !errors.Is(b.err, io.EOF) || b.size > 0 {
		b.err = err
	}
	left := b.size
	b.size = 0
	if !b.filling {
		for _, c := range b.chunks {
			chunks.Put(c)
		}
	}
	b.chunks = nil
	b.change.Broadcast()
	return left
}

// Read implements [io.Reader].
func (b *body) Read(p []byte) (int, error) {
	if b.asks {
		b.asks = false
		b.st.proceed()
	}
	n, err := b.read(p)
	if n > 0 {
		b.st.conn.consumed(b.st, n)
	}
	return n, err
}

func (b *body) read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for b.size == 0 && b.err == nil && len(p) > 0 {
		b.change.Wait()
	}
	if b.size == 0 && b.err != nil {
		if b.err == io.EOF { //nolint:errorlint // it is set here
			b.handTrailer()
		}
		return 0, b.err
	}
	n := 0
	for n < len(p) && b.size > 0 {
		c := b.chunks[0]
		got := copy(p[n:], c.b[c.r:c.w])
		n, c.r, b.size = n+got, c.r+got, b.size-got
		if c.r == c.w && (c.w == chunkSize || b.err != nil) {
			b.chunks = b.chunks[1:]
			chunks.Put(c)
		}
	}
	return n, nil
}

// Close implements [io.Closer]. What the client still sends is thrown away.
func (b *body) Close() error {
	if left := b.kill(http.ErrBodyReadAfterClose); left > 0 {
		b.st.conn.consumed(nil, left)
	}
	return nil
}

// expire has reads fail because the time for them is over.
func (b *body) expire() {
	b.fail(os.ErrDeadlineExceeded)
}

func (b *body) addTrailer(name, value string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.trailer == nil {
		b.trailer = http.Header{}
	}
	b.trailer[name] = append(b.trailer[name], value)
}

// handTrailer gives the handler what of the trailer was announced. b.mu is
// held.
func (b *body) handTrailer() {
	announced := b.st.req.Trailer
	for name, values := range b.trailer {
		if _, ok := announced[name]; ok {
			announced[name] = values
		}
	}
	b.trailer = nil
}
