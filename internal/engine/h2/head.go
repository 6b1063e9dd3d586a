package h2

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
)

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
		c.sayGoAway()
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
	for _, name := range slices.Sorted(maps.Keys(w.header)) {
		if name == "Content-Length" {
			continue
		}
		for _, v := range w.header[name] {
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
