package echo

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/gorilla/websocket"
)

// slow waits and then echoes.
func (h *handler) slow(w http.ResponseWriter, r *http.Request) {
	wait, err := time.ParseDuration(valueOr(r, "for", "1s"))
	if err != nil {
		writeText(w, http.StatusBadRequest, "for: "+err.Error()+"\n")
		return
	}
	if sleep(r.Context(), wait) {
		h.echo(w, r)
	}
}

// stream sends bytes without saying how many will come.
func (h *handler) stream(w http.ResponseWriter, r *http.Request) {
	count, ok := h.number(w, r, "bytes", "65536")
	if !ok {
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	sendBytes(w, count)
}

// drop promises a byte more than it sends and breaks the connection.
func (h *handler) drop(w http.ResponseWriter, r *http.Request) {
	count, ok := h.number(w, r, "after", "100")
	if !ok {
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Length", strconv.FormatInt(count+1, 10))
	sendBytes(w, count)
	_ = http.NewResponseController(w).Flush() // broken off in any case
	panic(http.ErrAbortHandler)
}

// events sends server-sent events at an even pace.
func (h *handler) events(w http.ResponseWriter, r *http.Request) {
	count, ok := h.number(w, r, "count", "5")
	if !ok {
		return
	}
	every, err := time.ParseDuration(valueOr(r, "every", "1s"))
	if err != nil {
		writeText(w, http.StatusBadRequest, "every: "+err.Error()+"\n")
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	out := http.NewResponseController(w)
	for i := int64(1); count == 0 || i <= count; i++ {
		if i > 1 && !sleep(r.Context(), every) {
			return
		}
		fmt.Fprintf(w, "id: %d\ndata: event %d from pod %s\n\n", i, i, h.pod)
		if out.Flush() != nil {
			return
		}
	}
}

// trailers sends a trailer that was announced and one that was not.
func (h *handler) trailers(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Trailer", "X-Echo-Announced")
	w.Header().Set("X-Echo-Announced", "yes")
	w.Header().Set(http.TrailerPrefix+"X-Echo-Unannounced", "yes")
	h.echo(w, r)
	_ = http.NewResponseController(w).Flush() // a length would leave no room for trailers
}

// websocket sends back each message as it came, text or binary, and speaks the
// first protocol that the client offers.
func (h *handler) websocket(w http.ResponseWriter, r *http.Request) {
	upgrader := websocket.Upgrader{
		Subprotocols: websocket.Subprotocols(r),
		CheckOrigin:  func(*http.Request) bool { return true }, // there is nothing to protect
	}
	c, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return // it has answered
	}
	defer c.Close()
	stop := context.AfterFunc(r.Context(), func() { c.Close() })
	defer stop()
	for {
		kind, message, err := c.ReadMessage()
		if err != nil || c.WriteMessage(kind, message) != nil {
			return
		}
	}
}

// number reads a query parameter that counts something, or answers 400.
func (h *handler) number(w http.ResponseWriter, r *http.Request, name, missing string) (int64, bool) {
	n, err := strconv.ParseInt(valueOr(r, name, missing), 10, 64)
	if err != nil || n < 0 {
		writeText(w, http.StatusBadRequest, name+" must be a number, 0 or more\n")
		return 0, false
	}
	return n, true
}

// sendBytes writes lines of text until count bytes are out or the client is gone.
func sendBytes(w http.ResponseWriter, count int64) {
	block := bytes.Repeat([]byte("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_\n"), 512)
	for count > 0 {
		n, err := w.Write(block[:min(count, int64(len(block)))])
		if err != nil {
			return
		}
		count -= int64(n)
	}
}

// sleep waits; it reports false if ctx ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}
