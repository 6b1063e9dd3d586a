package h2

import (
	"net/http"
	"time"

	"golang.org/x/net/http2"
)

// send sends p, behind the head if that was not sent. It returns when the
// client's windows have taken it.
func (w *response) send(p []byte) error {
	st, c := w.st, w.st.conn
	c.mu.Lock()
	defer c.mu.Unlock()
	if st.closed {
		return st.err
	}
	if !w.headSent {
		w.sendHead(p, false)
	}
	if w.headless() {
		p = nil
	}
	if err := st.sendData(p, false); err != nil {
		return err
	}
	c.flushFor(st, true)
	for len(c.out) >= outMost && c.err == nil && !st.closed {
		c.room.Wait()
	}
	return nil
}

// headless reports whether the answer has no body, whatever is written.
func (w *response) headless() bool { return w.st.req.Method == http.MethodHead }

// sendData puts p into frames, as the windows allow. c.mu is held, and let go
// meanwhile.
func (st *stream) sendData(p []byte, end bool) error {
	c := st.conn
	for len(p) > 0 {
		n, err := c.take(st, len(p))
		if err != nil {
			return err
		}
		flags := http2.Flags(0)
		if end && n == len(p) {
			flags = http2.FlagDataEndStream
			st.localEnded = true
		}
		c.out = appendHead(c.out, n, http2.FrameData, flags, st.id)
		c.out = append(c.out, p[:n]...)
		p = p[n:]
		for len(c.out) >= outMost && c.err == nil && !st.closed {
			if c.flushing {
				c.room.Wait()
			} else {
				c.flushFor(st, false)
			}
		}
	}
	return nil
}

// conclude sends what is left of the answer when the handler has returned. c.mu
// is held.
func (st *stream) conclude() {
	w, c := &st.response, st.conn
	defer w.release()
	if st.closed {
		return
	}
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	var p []byte
	if w.buf != nil && !w.headless() {
		p = w.buf.b[:w.buf.n]
	}
	w.promote()
	trailers := w.hasTrailers()
	short := w.length >= 0 && w.written < w.length && bodyAllowed(w.status) && !w.headless()
	if !w.headSent {
		w.sendHead(p, true)
	}
	if st.sendData(p, !trailers && !short) != nil {
		return
	}
	switch {
	case short: // an end would say that this was all
		c.reset(st.id, http2.ErrCodeInternal, errAbort)
		return
	case st.localEnded:
	case trailers:
		w.sendTrailers()
	default:
		c.out = appendHead(c.out, 0, http2.FrameData, http2.FlagDataEndStream, st.id)
	}
	st.localEnded = true
	if st.remoteEnded {
		c.close(st, errOver)
		return
	}
	c.outlast(st)
}

// spare is how long a client is let send on after it has been answered. One
// that finds the answer and the stream's end in one record takes the answer for
// lost (curl 7.88); and what is on its way often ends by itself.
const spare = 100 * time.Millisecond

// outlast has what is left of a request thrown away, whose answer is over, and
// the client told to stop if it does not in time (RFC 9113, section 8.1). c.mu
// is held.
func (c *conn) outlast(st *stream) {
	st.answered = true
	st.stopDeadlines()
	if c.give(nil, st.body.kill(errOver)) {
		c.flushSoon()
	}
	st.deadlines[outlasting] = time.AfterFunc(spare, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if !st.closed {
			c.reset(st.id, http2.ErrCodeNo, errOver)
			c.flushSoon()
		}
	})
}

// release gives back what the answer was gathered in.
func (w *response) release() {
	if w.buf != nil {
		pieces.Put(w.buf)
		w.buf = nil
	}
	w.releaseFields()
}

func (w *response) releaseFields() {
	if w.fields != nil {
		clear(*w.fields)
		*w.fields = (*w.fields)[:0]
		fieldLists.Put(w.fields)
		w.fields = nil
	}
}
