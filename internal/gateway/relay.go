package gateway

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/causeway-access/causeway/internal/rewrite"
)

// errBroken says that the response ended before it was complete, after its
// head was written. The client's connection is broken off too, so that nobody
// takes what he has for the whole.
var errBroken = errors.New("the response broke off")

// relay rewrites the response and streams it to the client.
func (g *Gateway) relay(w *reply, r *http.Request, resp *answer, rules *rewrite.Rules) error {
	defer resp.from.Close()
	h := w.Header()
	resp.from.CopyHeader(h, "Audit-Id") // ours is that by which the client finds the request in the log
	resp.Header = h
	rules.Response(h, g.cfg.KeepCORS)
	if _, ok := h["Content-Type"]; !ok {
		h["Content-Type"] = nil // and no guess of the server's
	}
	if resp.closing {
		h["Connection"] = []string{"close"}
	}
	announce(h, resp.from.Trailer)

	page := rules.Page(h, &resp.Response, r.Method)
	if r.ProtoMajor == 1 && r.ContentLength != 0 && !w.body.whole() {
		// The backend answers while it still reads, or does not want the rest.
		// Where the next request would begin is then for nobody to say. An error
		// means that this writer always can.
		_ = http.NewResponseController(w.ResponseWriter).EnableFullDuplex()
		h["Connection"] = []string{"close"}
	}
	w.WriteHeader(resp.StatusCode)
	copied := g.copy(w, resp, page, rules)
	if copied != nil {
		w.Flush()
		return fmt.Errorf("%w: %w", errBroken, copied)
	}
	w.trail(resp.from.Trailer)
	return nil
}

// copy streams the body: rewritten if it is a page, else as it is. What comes
// without a length is passed on piece by piece.
func (g *Gateway) copy(w *reply, resp *answer, page bool, rules *rewrite.Rules) error {
	if page || resp.Body != io.ReadCloser(&resp.from) {
		return rules.Copy(w, resp.Body, resp.Header)
	}
	read, write := resp.from.CopyTo(w, flushes(&resp.Response))
	switch {
	case write != nil:
		return fmt.Errorf("writing to the client: %w", write)
	case read != nil:
		return fmt.Errorf("reading from the backend: %w", read)
	}
	return nil
}

// announce names the trailers that the backend has announced.
func announce(h, trailer http.Header) {
	for name := range trailer {
		h.Add("Trailer", name)
	}
}

// flushes reports whether each piece of a body is to be passed on when it
// comes: when nobody knows how many there will be.
func flushes(resp *http.Response) bool {
	const events = "text/event-stream"
	kind := resp.Header.Get("Content-Type")
	return resp.ContentLength == -1 || len(kind) >= len(events) && strings.EqualFold(kind[:len(events)], events)
}
