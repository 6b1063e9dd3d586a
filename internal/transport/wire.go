package transport

import (
	"context"
	"errors"
	"io"
	"net"
	"sync/atomic"
)

// What a connection waits for, as far as Abandon cares.
const (
	waiting  = iota // for the first byte of a response
	answered        // for nothing, or for the rest
	frozen          // for nothing any more: Abandon has ended the exchange
)

// wire is one HTTP/1.1 connection to a backend. The goroutine of its exchange
// alone reads from it, and writes until the request's body begins.
type wire struct {
	pool *pool
	net  net.Conn
	// link checks and performs the exchange; see link.go.
	link link

	// Of the exchange. buf[r:w] was read and not yet used. large is the pooled
	// array behind buf, if it is a large one.
	s      *scratch
	buf    []byte
	r, w   int
	large  *[]byte
	grow   bool
	reused bool
	keep   int64 // ticks for which it may be idle afterwards
	state  atomic.Int32

	// Guarded by pool.mu.
	mine slot
}

// slot is what the pool knows of a connection.
type slot struct {
	at         int   // in pool.all
	busy       bool  // an exchange is under way
	since      int64 // tick at which it became busy, or idle
	gen        uint64
	ctx        context.Context // of the exchange
	repeatable bool            // so is its request
	stop       func() bool     // ends the watch of ctx, if it has begun
	ended      bool            // the deadline was set into the past
	keep       int64           // ticks for which it may stay idle
}

// fill reads more into the buffer, after what is unused in it.
func (c *wire) fill() error {
	if c.r == c.w {
		c.r, c.w = 0, 0
		if c.grow && c.large == nil {
			c.large = larges.Get().(*[]byte)
			c.buf = *c.large
		}
	}
	if c.w == len(c.buf) {
		if err := c.room(); err != nil {
			return err
		}
	}
	n, err := c.net.Read(c.buf[c.w:])
	c.w += n
	c.grow = c.w == len(c.buf)
	if n > 0 {
		return nil // what ended it will be met again
	}
	return err
}

// room makes room behind the unused bytes.
func (c *wire) room() error {
	if c.r > 0 {
		c.w = copy(c.buf, c.buf[c.r:c.w])
		c.r = 0
		return nil
	}
	if len(c.buf) >= maxHead {
		return errTooLong
	}
	bigger := make([]byte, 2*len(c.buf))
	c.w = copy(bigger, c.buf[:c.w])
	c.drop()
	c.buf = bigger
	return nil
}

// drop gives the large array back, if there is one.
func (c *wire) drop() {
	if c.large != nil {
		larges.Put(c.large)
		c.large = nil
	}
	c.buf = nil
}

// free gives the memory of the exchange back.
func (c *wire) free() {
	c.drop()
	if c.s != nil {
		c.s.free()
		c.s = nil
	}
	c.r, c.w, c.grow = 0, 0, false
}

// lost says why no byte of a response came.
func (c *wire) lost(ctx context.Context, err error) error {
	switch {
	case c.state.Load() == frozen:
		return &LostError{Frozen: true, Err: errFrozen}
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(err, io.EOF):
		err = errHung
	}
	return &LostError{Reused: c.reused, Unsent: err == errStale, Err: err} //nolint:errorlint // a link's very value
}

// context returns that of the exchange.
func (c *wire) context() context.Context {
	c.pool.mu.Lock()
	defer c.pool.mu.Unlock()
	return c.mine.ctx
}
