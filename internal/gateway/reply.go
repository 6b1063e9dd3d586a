package gateway

import (
	"net/http"
	"sync"
)

// reply is the client's side of one request: it knows what was written.
type reply struct {
	http.ResponseWriter
	body *body
	out  outgoing // the request as it goes on; here to be of one piece of memory

	mu     sync.Mutex // a 1xx comes from another goroutine
	status int        // of the final head; 0 before it
	sent   int64
	taken  bool // the connection was hijacked
}

// Unwrap lets http.ResponseController reach the server's writer.
func (w *reply) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// WriteHeader writes a head. One below 200 is not the last.
func (w *reply) WriteHeader(status int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.status != 0 {
		return
	}
	if status >= 200 || status == http.StatusSwitchingProtocols {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *reply) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	n, err := w.ResponseWriter.Write(p)
	w.sent += int64(n)
	return n, err
}

// Flush sends what is buffered.
func (w *reply) Flush() {
	// An error means that the writer cannot, or that the client is gone, which
	// the next write will tell.
	_ = http.NewResponseController(w.ResponseWriter).Flush()
}

// Inform passes a 1xx response on, 103 Early Hints above all. 100 Continue is
// the server's own to send, when the body is first read.
func (w *reply) Inform(code int, header http.Header) {
	if code == http.StatusContinue {
		return
	}
	h := w.Header()
	before := h.Clone()
	for name, values := range header {
		h[name] = values
	}
	w.WriteHeader(code)
	clear(h)
	for name, values := range before {
		h[name] = values
	}
}

// trail sends trailers after the body. The head must be on its way then: the
// server would else give the body a length, and no trailers.
func (w *reply) trail(trailer http.Header) {
	if len(trailer) == 0 {
		return
	}
	w.Flush()
	h := w.Header()
	for name, values := range trailer {
		h[http.TrailerPrefix+name] = values
	}
}
