package h2

import (
	"slices"

	"golang.org/x/net/http2"
)

// flow is the flow control of a connection (RFC 9113, section 5.2): send is
// what the client's window still takes, recv what it may still send. conn.mu
// guards it.
type flow struct {
	send    int64
	initial int64 // of the client's windows for new streams
	recv    int64
	owed    int       // what was read and not given back to the client yet
	waiting []*stream // for the connection's window, in the order of service
}

func newFlow(cfg *Config) flow {
	return flow{send: initialWindow, initial: initialWindow, recv: int64(cfg.ConnBuffer)}
}

// take waits until some of the want bytes may be sent on a stream, and returns
// how many. c.mu is held, and let go while it waits. Streams take turns.
func (c *conn) take(st *stream, want int) (int, error) {
	for {
		if st.closed {
			return 0, st.err
		}
		first := len(c.waiting) == 0 || c.waiting[0] == st
		n := int(min(int64(want), st.window, frameSize, c.send))
		if n > 0 && first {
			st.window -= int64(n)
			c.send -= int64(n)
			c.unwait(st)
			return n, nil
		}
		if len(c.out) > 0 && !c.flushing {
			c.flushFor(st, false) // or the client has no reason to widen its windows
			continue
		}
		switch {
		case st.window <= 0:
			c.unwait(st)
		case !slices.Contains(c.waiting, st):
			c.waiting = append(c.waiting, st)
		}
		st.wake.Wait()
	}
}

// unwait takes a stream out of the queue for the connection's window, and
// wakes the next. c.mu is held.
func (c *conn) unwait(st *stream) {
	if i := slices.Index(c.waiting, st); i >= 0 {
		c.waiting = slices.Delete(c.waiting, i, i+1)
	}
	if len(c.waiting) > 0 && c.send > 0 {
		c.waiting[0].wake.Signal()
	}
}

// windowUpdate takes a WINDOW_UPDATE frame (RFC 9113, section 6.9).
func (c *conn) windowUpdate(h frameHead, p []byte) error {
	if len(p) != 4 {
		return http2.ConnectionError(http2.ErrCodeFrameSize)
	}
	more := int64(parseUint31(p))
	c.mu.Lock()
	defer c.mu.Unlock()
	if h.stream == 0 {
		if c.send += more; more == 0 || c.send > maxWindow {
			return connectionFault(more)
		}
		if len(c.waiting) > 0 {
			c.waiting[0].wake.Signal()
		}
		return nil
	}
	if c.unborn(h.stream) {
		return http2.ConnectionError(http2.ErrCodeProtocol)
	}
	st := c.streams[h.stream]
	if st == nil {
		return c.idle.count()
	}
	if st.window += more; more == 0 || st.window > maxWindow {
		code := http2.ErrCodeFlowControl
		if more == 0 {
			code = http2.ErrCodeProtocol
		}
		return http2.StreamError{StreamID: h.stream, Code: code}
	}
	st.wake.Signal()
	return nil
}

func connectionFault(increment int64) error {
	if increment == 0 {
		return http2.ConnectionError(http2.ErrCodeProtocol)
	}
	return http2.ConnectionError(http2.ErrCodeFlowControl)
}

// initialWindow changes all streams' windows, which may be negative then (RFC
// 9113, section 6.9.2). c.mu is held.
func (c *conn) initialWindow(v int64) error {
	change := v - c.initial
	c.initial = v
	for _, st := range c.streams {
		if st.window += change; st.window > maxWindow {
			return http2.ConnectionError(http2.ErrCodeFlowControl)
		}
		st.wake.Signal()
	}
	return nil
}

// credit gives the client back what nobody will read, or, for a stream, what
// was padding. It is the reader's, which does not wait for a write.
func (c *conn) credit(st *stream, n int) {
	if n == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.give(st, n) {
		c.flushSoon()
	}
}

// consumed gives the client back what a handler has read.
func (c *conn) consumed(st *stream, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.give(st, n) {
		c.flush(false)
	}
}

// give gives back n bytes of the windows, in pieces worth a frame, and reports
// whether there is one to be written. c.mu is held.
func (c *conn) give(st *stream, n int) bool {
	gives := false
	if c.err != nil {
		return false
	}
	if c.owed += n; c.owed >= c.srv.cfg.ConnBuffer/2 {
		c.out = appendWindow(c.out, 0, c.owed)
		c.recv += int64(c.owed)
		c.owed, gives = 0, true
	}
	if st == nil || st.closed || st.remoteEnded {
		return gives
	}
	if st.owed += n; st.owed >= c.srv.cfg.StreamBuffer/2 {
		c.out = appendWindow(c.out, st.id, st.owed)
		st.recv += int64(st.owed)
		st.owed, gives = 0, true
	}
	return gives
}
