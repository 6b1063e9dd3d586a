package h2

import (
	"runtime"
	"sync"
	"time"

	"golang.org/x/net/http2/hpack"
)

// writer is what waits to be written on a connection. conn.mu guards it.
//
// Whoever has put something there calls flush. If another goroutine is writing
// already, that one takes it along; so what several handlers answer at about
// the same time is one write, and nobody waits for a timer.
type writer struct {
	out      []byte
	spare    []byte // where out goes while the other is written
	control  int    // frames in out that the client has caused
	flushing bool
	soon     bool      // a goroutine was asked to flush
	writes   int       // so far
	writing  bool      // the last of them is under way
	room     sync.Cond // out has been taken
	stalled  *time.Timer
	guarded  bool // stalled runs

	hpack *hpack.Encoder
	wire  names
}

const (
	// outMost is how much may wait to be written before handlers wait.
	outMost = 128 << 10
	// keepOut is the largest buffer that a connection keeps.
	keepOut = 8 << 10
	// mostControl bounds answers that the client causes and does not read
	// (CVE-2019-9512, CVE-2019-9515).
	mostControl = 10000
	// mostRounds is how often one goroutine writes in a row.
	mostRounds = 8
)

func (w *writer) init(c *conn) {
	w.room.L = &c.mu
	w.hpack = hpack.NewEncoder((*blockWriter)(c))
}

// blockWriter writes a header block at the end of out.
type blockWriter conn

func (b *blockWriter) Write(p []byte) (int, error) {
	b.out = append(b.out, p...)
	return len(p), nil
}

// flush writes what waits, unless another goroutine does. c.mu is held, and let
// go meanwhile. With yield, handlers of the connection that are ready to run
// come first: their answers go along.
func (c *conn) flush(yield bool) {
	if c.flushing || len(c.out) == 0 || c.err != nil {
		return
	}
	c.flushing = true
	c.guard()
	if yield && c.running > 0 {
		c.mu.Unlock()
		runtime.Gosched()
		c.mu.Lock()
	}
	for rounds := 0; len(c.out) > 0 && c.err == nil; rounds++ {
		if rounds == mostRounds { // who has something of his own to do does not write for others for ever
			c.flushing = false
			c.flushSoon()
			return
		}
		c.write()
	}
	c.flushing = false
	c.room.Broadcast()
}

// write writes once. c.mu is held, and let go meanwhile.
func (c *conn) write() {
	b := c.out
	c.out, c.spare, c.control = c.spare[:0], nil, 0
	c.writes++
	c.writing = true
	c.mu.Unlock()
	_, err := c.nc.Write(b)
	c.mu.Lock()
	c.writing = false
	if cap(b) <= keepOut || len(c.streams) > 0 && cap(b) <= 2*outMost {
		c.spare = b[:0]
	}
	if err != nil {
		c.failed(err)
	}
	c.room.Broadcast()
}

// flushFor is flush for a handler. c.mu is held.
func (c *conn) flushFor(st *stream, yield bool) {
	st.flushing = true
	c.flush(yield)
	st.flushing = false
}

// flushSoon has what waits written by another goroutine: the reader must read
// on, or a client that waits for it, too, would wait for ever. c.mu is held.
func (c *conn) flushSoon() {
	if c.control > mostControl {
		c.failed(errPings)
	}
	if !c.soon && !c.flushing {
		c.soon = true
		c.srv.workers.start((*flusher)(c))
	}
}

// flusher is a connection that is to be flushed.
type flusher conn

func (f *flusher) run() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.soon = false
	(*conn)(f).flush(false)
}

// guard ends the connection if one write takes longer than it may. The timer
// is left to run, and looks whether it was for the same write. c.mu is held.
func (c *conn) guard() {
	most := c.srv.cfg.WriteTimeout
	if most <= 0 || c.guarded {
		return
	}
	c.guarded = true
	c.watch(c.writes+1, most)
}

// watch looks after a time whether a write is still under way. c.mu is held.
func (c *conn) watch(write int, after time.Duration) {
	c.stalled = time.AfterFunc(after, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		switch {
		case c.err != nil || !c.flushing:
			c.guarded = false
		case c.writing && c.writes == write:
			c.failed(errStalled)
		default:
			c.watch(c.writes, after)
		}
	})
}
