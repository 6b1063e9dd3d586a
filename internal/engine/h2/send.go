package h2

import (
	"encoding/binary"
	"net/http"
	"strconv"
	"time"

	"golang.org/x/net/http/httpguts"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
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

// sendHead sends the head of an answer whose body begins with p. With all, p
// is the whole of it. c.mu is held.
func (w *response) sendHead(p []byte, all bool) {
	st, c := w.st, w.st.conn
	w.headSent = true
	body := bodyAllowed(w.status)
	written := w.written // of HEAD, p has nothing
	if w.length < 0 && all && body && (written > 0 || !w.headless()) {
		w.length = written
	}
	begin := c.beginBlock()
	c.encode(":status", w.statusText(), false)
	for _, f := range *w.fields {
		c.encodeField(f.Name, f.Value)
	}
	if w.length >= 0 {
		c.encode("content-length", strconv.FormatInt(w.length, 10), true)
	}
	if first := w.first(p); !w.typed && body && len(first) > 0 {
		c.encode("content-type", http.DetectContentType(first), false)
	}
	if !w.dated {
		c.encode("date", c.srv.clock.date(), false)
	}
	w.releaseFields()
	short := w.written < w.length && body // the stream is reset then
	end := w.headless() || all && len(p) == 0 && !w.hasTrailers() && !short
	c.endBlock(begin, st.id, end)
	st.localEnded = end
	if w.closing {
		c.sayGoAway(c.last, http2.ErrCodeNo)
	}
}

// first returns the first bytes of the body, of an answer to HEAD too.
func (w *response) first(p []byte) []byte {
	if len(p) == 0 && w.buf != nil {
		return w.buf.b[:w.buf.n]
	}
	return p
}

func (w *response) statusText() string {
	if w.status == http.StatusOK {
		return "200"
	}
	return strconv.Itoa(w.status)
}

// inform sends a head that is not the last (RFC 9110, section 15.2).
func (w *response) inform(code int) {
	st, c := w.st, w.st.conn
	c.mu.Lock()
	defer c.mu.Unlock()
	if st.closed || w.headSent {
		return
	}
	begin := c.beginBlock()
	c.encode(":status", strconv.Itoa(code), false)
	for name, values := range w.header {
		if name == "Content-Length" {
			continue
		}
		for _, v := range values {
			c.encodeField(name, v)
		}
	}
	c.endBlock(begin, st.id, false)
	c.flush(false)
}

// proceed has the client send the body that it asks about (RFC 9110, section
// 10.1.1).
func (st *stream) proceed() {
	c := st.conn
	c.mu.Lock()
	defer c.mu.Unlock()
	if st.closed || st.response.headSent {
		return
	}
	begin := c.beginBlock()
	c.encode(":status", "100", false)
	c.endBlock(begin, st.id, false)
	c.flush(false)
}

// beginBlock makes room for the head of a frame, and returns where. c.mu is
// held, here and below.
func (c *conn) beginBlock() int {
	c.out = append(c.out, make([]byte, headLen)...)
	return len(c.out)
}

// encodeField encodes a field that a handler has set, unless it has no place
// in HTTP/2.
func (c *conn) encodeField(name, value string) {
	switch name {
	case "Connection", "Proxy-Connection", "Keep-Alive", "Upgrade":
		return
	case "Transfer-Encoding":
		if value != "trailers" {
			return
		}
	}
	if !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(value) {
		return
	}
	c.encode(c.wire.lower(name), value, unlike(name))
}

// unlike reports whether the field is another in each answer, so that the table
// of HPACK would be filled in vain, or a secret (RFC 7541, section 7.1.3).
func unlike(name string) bool {
	switch name {
	case "Audit-Id", "Location", "Set-Cookie", "Traceparent", "X-Request-Id":
		return true
	default:
		return false
	}
}

func (c *conn) encode(name, value string, unlike bool) {
	_ = c.hpack.WriteField(hpack.HeaderField{Name: name, Value: value, Sensitive: unlike}) // blockWriter never fails
}

// endBlock puts the head before a block, or, if it is too long for a frame,
// several.
func (c *conn) endBlock(begin int, stream uint32, end bool) {
	flags := http2.Flags(0)
	if end {
		flags = http2.FlagHeadersEndStream
	}
	n := len(c.out) - begin
	if n <= frameSize {
		appendHead(c.out[:begin-headLen], n, http2.FrameHeaders, flags|http2.FlagHeadersEndHeaders, stream)
		return
	}
	rest := append([]byte(nil), c.out[begin+frameSize:]...)
	appendHead(c.out[:begin-headLen], frameSize, http2.FrameHeaders, flags, stream)
	c.out = c.out[:begin+frameSize]
	for len(rest) > 0 {
		part, last := rest[:min(len(rest), frameSize)], http2.Flags(0)
		if rest = rest[len(part):]; len(rest) == 0 {
			last = http2.FlagContinuationEndHeaders
		}
		c.out = appendHead(c.out, len(part), http2.FrameContinuation, last, stream)
		c.out = append(c.out, part...)
	}
}

// parseUint31 parses a number whose first bit is reserved.
func parseUint31(p []byte) uint32 { return binary.BigEndian.Uint32(p) & maxWindow }
