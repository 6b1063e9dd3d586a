package gateway

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"sync"

	"github.com/causeway-access/causeway/internal/rewrite"
)

// errBroken says that the response ended before it was complete, after its
// head was written. The client's connection is broken off too, so that nobody
// takes what he has for the whole.
var errBroken = errors.New("the response broke off")

// buffers are those by which bodies are streamed.
var buffers = sync.Pool{New: func() any { b := make([]byte, 64<<10); return &b }}

// relay rewrites the response and streams it to the client.
func (g *Gateway) relay(w *reply, r *http.Request, resp *answer, rules *rewrite.Rules) error {
	defer resp.Body.Close()
	h := w.Header()
	for name, values := range resp.Header {
		if name != "Audit-Id" { // ours, by which the client finds the request in the log
			h[name] = values
		}
	}
	rules.Response(h, g.cfg.KeepCORS)
	if _, ok := h["Content-Type"]; !ok {
		h["Content-Type"] = nil // and no guess of the server's
	}
	if resp.closing {
		h["Connection"] = []string{"close"}
	}
	announce(h, resp.Trailer)

	page := rules.Page(h, resp.Response, r.Method)
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
	for name, values := range resp.Trailer {
		h[http.TrailerPrefix+name] = values
	}
	return nil
}

// copy streams the body: rewritten if it is a page, else as it is.
func (g *Gateway) copy(w *reply, resp *answer, page bool, rules *rewrite.Rules) error {
	if page {
		return rules.Copy(w, resp.Body, resp.Header)
	}
	atOnce := flushes(resp.Response)
	if atOnce || len(resp.Trailer) > 0 {
		w.Flush()
	}
	return stream(w, resp.Body, atOnce)
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
	if resp.ContentLength == -1 {
		return true
	}
	kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	return kind == "text/event-stream"
}

// stream copies a body to the client.
func stream(w *reply, body io.Reader, flush bool) error {
	buf := buffers.Get().(*[]byte)
	defer buffers.Put(buf)
	for {
		n, err := body.Read(*buf)
		if n > 0 {
			if _, werr := w.Write((*buf)[:n]); werr != nil {
				return fmt.Errorf("writing to the client: %w", werr)
			}
			if flush {
				w.Flush()
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading from the backend: %w", err)
		}
	}
}
