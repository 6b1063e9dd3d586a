package h2

import (
	"errors"
	"io"
	"time"

	"golang.org/x/net/http2"
)

// goaway is how far the end of a connection has been announced (RFC 9113,
// section 6.8). conn.mu guards it.
type goaway struct {
	said  bool // some GOAWAY
	final bool // the one that names the last stream that is served
	timer *time.Timer
}

const (
	// drainPing is what the PING behind the first GOAWAY holds. Its answer says
	// that the client has read that.
	drainPing = "draining"
	// drainWait is how long that answer is waited for.
	drainWait = time.Second
	// linger is how long a client is read that has been told all, so that it
	// reads this before it learns that the connection is closed.
	linger = 250 * time.Millisecond
	// partTime is how long the last write may take.
	partTime = time.Second
)

// drain asks the client to open no more streams. Those that are on their way
// are served: which is the last is said when the client must have heard.
func (c *conn) drain() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.goaway.said || c.err != nil {
		return
	}
	c.goaway.said = true
	c.out = appendGoAway(c.out, maxWindow, http2.ErrCodeNo)
	c.out = appendHead(c.out, len(drainPing), http2.FramePing, 0, 0)
	c.out = append(c.out, drainPing...)
	c.goaway.timer = time.AfterFunc(drainWait, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.sayGoAway()
	})
	c.flush(false)
}

// sayGoAway says that the last stream that is served is the latest. When all
// are over the connection is. c.mu is held.
func (c *conn) sayGoAway() {
	if c.goaway.final || c.err != nil {
		return
	}
	c.goaway.said, c.goaway.final = true, true
	c.out = appendGoAway(c.out, c.last, http2.ErrCodeNo)
	c.flushSoon()
	c.drained()
}

// drained ends the connection soon if nothing is left to be done. c.mu is held.
func (c *conn) drained() {
	if c.goaway.final && len(c.streams) == 0 && c.err == nil {
		_ = c.nc.SetReadDeadline(time.Now().Add(linger)) // the reader sees its failure
	}
}

// part says what is left to say, at the end of the reader, and lets the client
// hear it.
func (c *conn) part(err error) {
	code := http2.ConnectionError(0)
	fault := errors.As(err, &code)
	c.mu.Lock()
	if c.err != nil || !fault && !c.goaway.final {
		c.mu.Unlock()
		return
	}
	_ = c.nc.SetWriteDeadline(time.Now().Add(partTime))
	if fault {
		c.goaway.final = true
		c.out = appendGoAway(c.out, c.last, http2.ErrCode(code))
	}
	for c.flushing && c.err == nil {
		c.room.Wait()
	}
	c.flush(false)
	c.mu.Unlock()
	if fault {
		_ = c.nc.SetReadDeadline(time.Now().Add(linger))
		_, _ = io.Copy(io.Discard, c.nc)
	}
}
