package h2

import (
	"errors"
	"net/http"
	"net/url"
	"runtime"
	"slices"
	"sync"
	"time"

	"golang.org/x/net/http2"
)

// stream is one request and its answer, in one piece of memory. Handlers and
// what they start may keep parts of it for as long as they like: it is never
// used again.
type stream struct {
	conn    *conn
	id      uint32
	ctx     requestContext
	req     http.Request
	url     url.URL // of CONNECT
	handler http.Handler
	body    body
	response

	// What follows is guarded by conn.mu.

	remoteEnded bool  // the client has sent END_STREAM
	localEnded  bool  // it was sent to him
	closed      bool  // nothing more comes or goes
	err         error // why, for those who write
	window      int64 // what the client takes
	recv        int64 // what it may send
	owed        int   // what was read of that and not given back yet
	declared    int64 // Content-Length; -1 for none
	got         int64 // of it
	wake        sync.Cond
	answered    bool // the handler has returned, and its answer is sent
	deadlines   [numDeadlines]*time.Timer
	flushing    bool // the handler writes what waits on the connection
}

var (
	errOver  = errors.New("the stream is over")
	errAbort = errors.New("the handler has broken the stream off")
)

// mostFaults is how many streams of a connection may be reset for the client's
// faults, beside one for each request that was served (CVE-2025-8671).
const mostFaults = 1000

func newStream(c *conn, id uint32) *stream {
	st := &stream{conn: c, id: id}
	st.wake.L = &c.mu
	st.response.init(st)
	return st
}

// run runs the handler. It implements job.
func (st *stream) run() {
	defer st.finish()
	st.handler.ServeHTTP(&st.response, &st.req)
	st.served = true
}

// finish sends what is left of the answer, and ends the stream.
func (st *stream) finish() {
	c := st.conn
	if !st.served { // it has panicked, or ended its goroutine
		if cause := recover(); cause != nil && cause != http.ErrAbortHandler { //nolint:errorlint // it is never wrapped
			stack := make([]byte, 64<<10)
			c.srv.cfg.ErrorLog.Printf("http2: panic serving %v: %v\n%s", c.remote, cause, stack[:runtime.Stack(stack, false)])
		}
	}
	if st.req.MultipartForm != nil {
		_ = st.req.MultipartForm.RemoveAll() // as net/http does
	}
	c.mu.Lock()
	if st.served {
		st.conclude()
	} else {
		c.reset(st.id, http2.ErrCodeInternal, errAbort)
	}
	st.over.Store(true)
	next := c.successor()
	c.flush(true)
	c.mu.Unlock()
	st.ctx.cancel()
	if next != nil {
		c.srv.workers.start(next)
	}
}

// successor returns the stream whose handler may run instead of one that has
// ended, if any waits. c.mu is held.
func (c *conn) successor() *stream {
	if c.faults > 0 {
		c.faults--
	}
	for len(c.queue) > 0 {
		st := c.queue[0]
		c.queue = slices.Delete(c.queue, 0, 1)
		if !st.closed { // else nobody wants its answer
			return st
		}
	}
	c.running--
	return nil
}

// close ends a stream for all who have to do with it. c.mu is held.
func (c *conn) close(st *stream, err error) {
	if st.closed {
		return
	}
	st.closed, st.err = true, err
	delete(c.streams, st.id)
	st.stopDeadlines()
	if c.give(nil, st.body.kill(err)) {
		c.flushSoon()
	}
	c.unwait(st)
	st.wake.Broadcast()
	c.room.Broadcast()
	st.ctx.cancel()
	if len(c.streams) == 0 {
		c.quiet = time.Now()
		c.drained()
	}
}

// reset resets a stream. c.mu is held.
func (c *conn) reset(id uint32, code http2.ErrCode, err error) {
	st := c.streams[id]
	if st == nil && err == errAbort { //nolint:errorlint // it is ours
		return // the client was faster
	}
	if st == nil || !st.remoteEnded {
		c.remember(id)
	}
	c.out = appendReset(c.out, id, code)
	c.control++
	if st != nil {
		c.close(st, err)
	}
}

// reproach resets a stream for the client's fault.
func (c *conn) reproach(fault http2.StreamError) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if fault.Code == http2.ErrCodeRefusedStream {
		if err := c.idle.count(); err != nil { // which it may have sent before it knew
			return err
		}
	} else if c.faults++; c.faults > mostFaults {
		return http2.ConnectionError(http2.ErrCodeEnhanceYourCalm)
	}
	c.reset(fault.StreamID, fault.Code, fault)
	c.flushSoon()
	return nil
}

// remember keeps in mind that frames of a stream may be under way which was
// reset. c.mu is held.
func (c *conn) remember(id uint32) {
	if len(c.broken) < keepBroken {
		c.broken = append(c.broken, id)
		return
	}
	c.broken[c.next] = id
	c.next = (c.next + 1) % keepBroken
}

// wasBroken reports whether a stream is in mind. c.mu is held.
func (c *conn) wasBroken(id uint32) bool { return slices.Contains(c.broken, id) }
