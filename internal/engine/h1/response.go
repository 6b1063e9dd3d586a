package h1

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"
)

// response is the http.ResponseWriter. What it does is what net/http's does;
// see [http.ResponseWriter].
//
// The fields of the head are written into the connection's buffer when the
// handler says WriteHeader, so that no copy of them is kept until it is known
// how long the body is and what to say of it: that comes after them.
type response struct {
	c      *conn
	x      *exchange
	header http.Header

	status   int
	wrote    bool  // the final head was said
	complete bool  // and is in the buffer, with all that the server adds
	declared int64 // the Content-Length that the handler has said, or -1
	written  int64 // of the body, by the handler

	closing    bool // the connection ends after it
	chunked    bool
	fullDuplex bool
	deadlines  bool // the handler has set some

	said     said
	trailers []string // that were announced
	held     []byte   // of the body, as long as the head is not complete, or as a chunk grows

	over atomic.Bool // nothing may be written any more
}

// said is what the handler's head says of that which concerns the connection.
type said struct {
	kind, date, coding bool // Content-Type, Date and Content-Encoding are there
	length             bool
	transfer           string // Transfer-Encoding
	connection         []string
	trailers           bool
}

var (
	_ http.ResponseWriter = (*response)(nil)
	_ http.Flusher        = (*response)(nil)
	_ http.Hijacker       = (*response)(nil)
	_ http.CloseNotifier  = (*response)(nil) //nolint:staticcheck // libraries demand it
)

// errOver is for those who write after the handler has returned.
var errOver = errors.New("http: the handler of this request has returned")

// Header returns the header of the answer, and after it the trailers.
func (w *response) Header() http.Header { return w.header }

// WriteHeader says the head. One below 200 is sent at once, and is not the last.
func (w *response) WriteHeader(code int) {
	switch {
	case w.c.hijacked:
		w.c.server.logf("http: response.WriteHeader on hijacked connection")
		return
	case w.wrote:
		w.c.server.logf("http: superfluous response.WriteHeader call")
		return
	case w.over.Load():
		return
	case code < 100 || code > 999:
		panic(fmt.Sprintf("invalid WriteHeader code %v", code))
	}
	if code < 200 && code != http.StatusSwitchingProtocols {
		w.inform(code)
		return
	}
	w.wrote, w.status = true, code
	if text := first(w.header["Content-Length"]); text != "" {
		n, err := strconv.ParseInt(text, 10, 64)
		if err == nil && n >= 0 {
			w.declared = n
		} else {
			w.c.server.logf("http: invalid Content-Length of %q", text)
			delete(w.header, "Content-Length")
			w.said.length = true // and no other, as net/http has it
		}
	}
	w.c.out = w.appendFields(appendStatus(w.c.out, code))
}

// inform sends a head that is not the last.
func (w *response) inform(code int) {
	c := w.c
	c.out = appendStatus(c.out, code)
	c.out = append(w.appendPlain(c.out), "\r\n"...)
	c.send()
}

func first(values []string) string {
	if len(values) == 0 {
		return ""
	}
	return values[0]
}

// bodiless reports whether the answer has no body whatever it says.
func (w *response) bodiless() bool {
	return w.x.request.Method == http.MethodHead || !mayHaveBody(w.status)
}

func mayHaveBody(status int) bool {
	return status >= 200 && status != http.StatusNoContent && status != http.StatusNotModified
}

// Write writes to the body, after a head of 200 if there was none.
func (w *response) Write(p []byte) (int, error) {
	switch {
	case w.c.hijacked:
		return 0, http.ErrHijacked
	case w.over.Load():
		return 0, errOver
	}
	if !w.wrote {
		w.WriteHeader(http.StatusOK)
	}
	if len(p) == 0 {
		return 0, nil
	}
	if !mayHaveBody(w.status) {
		return 0, http.ErrBodyNotAllowed
	}
	w.written += int64(len(p))
	if w.declared >= 0 && w.written > w.declared {
		return 0, http.ErrContentLength
	}
	return w.put(p)
}

// WriteString is Write.
func (w *response) WriteString(s string) (int, error) { return w.Write([]byte(s)) }

// put writes what belongs to the body.
func (w *response) put(p []byte) (int, error) {
	if !w.complete && w.declared >= 0 {
		w.conclude(p, false)
	}
	if w.complete && !w.chunked {
		if !w.bodiless() {
			w.c.emit(p)
		}
		return w.result(len(p))
	}
	if w.held == nil {
		w.held = w.c.buffers.body[:0]
	}
	if len(w.held)+len(p) <= undecided {
		w.held = append(w.held, p...)
		return w.result(len(p))
	}
	w.release(p)
	return w.result(len(p))
}

func (w *response) result(n int) (int, error) {
	if w.c.failed != nil {
		return 0, w.c.failed
	}
	return n, nil
}

// release writes what was held back, and more.
func (w *response) release(more []byte) {
	if !w.complete {
		sample := w.held
		if len(sample) == 0 {
			sample = more
		}
		w.conclude(sample, false)
	}
	held := w.held
	w.held = held[:0]
	n := len(held) + len(more)
	if n == 0 || w.bodiless() {
		return
	}
	if w.chunked {
		var digits [18]byte
		w.c.emit(append(strconv.AppendInt(digits[:0], int64(n), 16), "\r\n"...))
	}
	w.c.emit(held)
	w.c.emit(more)
	if w.chunked {
		w.c.emit(crlf)
	}
}

var crlf = []byte("\r\n")

// Flush sends what was written.
func (w *response) Flush() { _ = w.FlushError() }

// FlushError sends what was written.
func (w *response) FlushError() error {
	if w.c.hijacked || w.over.Load() {
		return errOver
	}
	if !w.wrote {
		w.WriteHeader(http.StatusOK)
	}
	w.release(nil)
	w.c.send()
	return w.c.failed
}

// finish ends the answer after the handler has returned, and with it the
// request. It reports whether the connection may serve another.
func (w *response) finish() bool {
	if !w.wrote {
		w.WriteHeader(http.StatusOK)
	}
	if !w.complete {
		w.conclude(w.held, true)
	}
	w.release(nil)
	if w.chunked {
		w.c.out = append(w.appendTrailers(append(w.c.out, "0\r\n"...)), "\r\n"...)
	}
	w.c.send()
	return w.end()
}

// end keeps others from using the connection on behalf of the request, and
// reports whether it may serve another.
func (w *response) end() bool {
	w.over.Store(true)
	c := w.c
	whole := w.x.body.end()
	if w.deadlines {
		_ = c.net.SetDeadline(time.Time{})
	}
	short := w.declared >= 0 && w.written != w.declared && !w.bodiless()
	if c.failed == nil && !whole {
		c.linger()
	}
	return whole && !short && !w.closing && c.failed == nil
}

// abort breaks the answer off. What was said of it is sent, if that is more
// than a part of a head.
func (w *response) abort() {
	if w.complete {
		w.c.send()
	}
	w.over.Store(true)
	w.x.body.end()
}
