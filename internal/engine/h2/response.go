package h2

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"golang.org/x/net/http2/hpack"
)

// response is the handler's side of a stream's answer. Like that of net/http
// it is for one goroutine at a time, and gathers what is written until there
// is a piece worth sending, Flush is called, or the handler returns.
type response struct {
	st     *stream
	header http.Header
	served bool        // the handler has returned
	over   atomic.Bool // and all is sent

	status   int  // of the final head; 0 before it was said
	headSent bool // it is on its way
	fields   *fields
	trailers []string // announced
	length   int64    // Content-Length; -1 for none
	typed    bool     // Content-Type is given, or not to be guessed
	dated    bool
	closing  bool // the handler wants the connection to end
	written  int64
	buf      *piece
	notify   struct {
		once sync.Once
		c    chan bool
	}
}

// pieceSize is how much is gathered.
const pieceSize = 4 << 10

// piece is what was written and not sent.
type piece struct {
	b [pieceSize]byte
	n int
}

// fields are those of a head that was written and not sent.
type fields []hpack.HeaderField

var (
	pieces     = sync.Pool{New: func() any { return new(piece) }}
	fieldLists = sync.Pool{New: func() any { return new(fields) }}
)

var (
	_ http.Flusher       = (*response)(nil)
	_ http.CloseNotifier = (*response)(nil) //nolint:staticcheck // the API server's library asks for it
)

func (w *response) init(st *stream) { w.st, w.length = st, -1 }

// Header implements [http.ResponseWriter].
func (w *response) Header() http.Header {
	if w.header == nil {
		w.header = http.Header{}
	}
	return w.header
}

// WriteHeader implements [http.ResponseWriter]. Codes below 200 are sent at
// once.
func (w *response) WriteHeader(code int) {
	if code < 100 || code > 999 {
		panic(fmt.Sprintf("invalid WriteHeader code %v", code))
	}
	switch {
	case w.status != 0 || w.over.Load():
	case code < 200:
		w.inform(code)
	default:
		w.status = code
		w.snapshot()
	}
}

// Write implements [http.ResponseWriter].
func (w *response) Write(p []byte) (int, error) {
	if err := w.admit(len(p)); err != nil {
		return 0, err
	}
	sent := 0
	for len(p) > 0 {
		if w.buf == nil || w.buf.n == 0 {
			if len(p) > pieceSize {
				err := w.send(p)
				if err != nil {
					return sent, err
				}
				return sent + len(p), nil
			}
			if w.buf == nil {
				w.buf = pieces.Get().(*piece)
				w.buf.n = 0
			}
		}
		n := copy(w.buf.b[w.buf.n:], p)
		w.buf.n += n
		sent, p = sent+n, p[n:]
		if w.buf.n == pieceSize && len(p) > 0 {
			if err := w.sendPiece(); err != nil {
				return sent, err
			}
		}
	}
	return sent, nil
}

// WriteString implements [io.StringWriter].
func (w *response) WriteString(s string) (int, error) { return w.Write([]byte(s)) }

// admit says whether n more bytes may be written.
func (w *response) admit(n int) error {
	if w.over.Load() {
		return errOver
	}
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	if !bodyAllowed(w.status) {
		return http.ErrBodyNotAllowed
	}
	if w.written += int64(n); w.length >= 0 && w.written > w.length {
		return http.ErrContentLength
	}
	return nil
}

// Flush implements [http.Flusher].
func (w *response) Flush() { _ = w.FlushError() }

// FlushError is Flush, for [http.ResponseController].
func (w *response) FlushError() error {
	if w.over.Load() {
		return errOver
	}
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	return w.sendPiece()
}

// sendPiece sends what was gathered, and the head if it was not sent.
func (w *response) sendPiece() error {
	var p []byte
	if w.buf != nil {
		p = w.buf.b[:w.buf.n]
	}
	err := w.send(p)
	if w.buf != nil {
		w.buf.n = 0
	}
	return err
}

// CloseNotify implements [http.CloseNotifier].
func (w *response) CloseNotify() <-chan bool {
	w.notify.once.Do(func() {
		w.notify.c = make(chan bool, 1)
		w.st.ctx.AfterFunc(func() { w.notify.c <- true })
	})
	return w.notify.c
}

// bodyAllowed reports whether answers with a status have a body.
func bodyAllowed(status int) bool {
	return status >= 200 && status != http.StatusNoContent && status != http.StatusNotModified
}

// snapshot takes the header as it is now: what the handler does to it later
// is for the trailer.
func (w *response) snapshot() {
	w.fields = fieldLists.Get().(*fields)
	for name, values := range w.header {
		switch name {
		case "Content-Length":
			w.takeLength(values)
			continue
		case "Connection":
			w.closing = len(values) > 0 && values[0] == "close"
			continue
		case "Trailer":
			w.announce(values)
		case "Content-Type":
			w.typed = true
		case "Content-Encoding":
			w.typed = w.typed || len(values) > 0 && values[0] != ""
		case "Date":
			w.dated = true
		}
		for _, v := range values {
			*w.fields = append(*w.fields, hpack.HeaderField{Name: name, Value: v})
		}
	}
	// In an order that is the same for the same answer, as net/http has it.
	slices.SortStableFunc(*w.fields, func(a, b hpack.HeaderField) int { return strings.Compare(a.Name, b.Name) })
}

// takeLength takes Content-Length, if it is one.
func (w *response) takeLength(values []string) {
	if len(values) == 0 {
		return
	}
	if n, err := strconv.ParseUint(values[0], 10, 63); err == nil {
		w.length = int64(n)
	}
}
