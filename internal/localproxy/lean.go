package localproxy

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"net/textproto"
	"sync"

	"golang.org/x/net/http/httpguts"

	"github.com/causeway-access/causeway/internal/rewrite"
)

// lean does what its ReverseProxy does, but for requests that are no upgrades
// at a fraction of the cost: nothing is copied that nobody changes, buffers are
// kept, and an answer of known length is flushed when it is complete.
type lean struct{ *httputil.ReverseProxy }

// ServeHTTP passes the request on.
func (l lean) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if len(r.Header["Upgrade"]) > 0 {
		l.ReverseProxy.ServeHTTP(w, r)
		return
	}
	if r.Body != nil && r.Body != http.NoBody {
		defer r.Body.Close()
		// Without this the server of HTTP/1.1 gives up a body that is still on
		// its way when the answer begins. HTTP/2 has no need of it, nor the method.
		_ = http.NewResponseController(w).EnableFullDuplex()
	}
	before := &forerunner{to: w}
	pass := &httputil.ProxyRequest{In: r, Out: outgoing(r, before)}
	l.Rewrite(pass)
	resp, err := l.Transport.RoundTrip(pass.Out)
	before.end()
	if err != nil {
		l.ErrorHandler(w, pass.Out, err)
		return
	}
	defer resp.Body.Close()
	rewrite.DropHopByHop(resp.Header)
	if l.ModifyResponse != nil {
		if err := l.ModifyResponse(resp); err != nil {
			l.ErrorHandler(w, pass.Out, err)
			return
		}
	}
	if err := answerWith(w, resp); err != nil {
		panic(http.ErrAbortHandler) // the client must not take what it has for the whole
	}
}

// outgoing returns the request as it is to be sent, but for its URL.
func outgoing(r *http.Request, before *forerunner) *http.Request {
	out := r.WithContext(context.WithValue(r.Context(), forerunnerKey{}, before))
	u := *r.URL
	out.URL, out.Header, out.Close = &u, make(http.Header, len(r.Header)+1), false
	for name, values := range r.Header {
		switch name {
		case "Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto":
			// Nobody stands before us who may say that.
		default:
			out.Header[name] = values
		}
	}
	trailers := httpguts.HeaderValuesContainsToken(r.Header["Te"], "trailers")
	rewrite.DropHopByHop(out.Header)
	if trailers { // gRPC insists
		out.Header["Te"] = []string{"trailers"}
	}
	if _, given := out.Header["User-Agent"]; !given {
		out.Header["User-Agent"] = []string{""} // and none of net/http's
	}
	return out
}

// forerunner passes on what comes before the final answer. An attempt that was
// given up may still hear of some, from a goroutine of HTTP/2's client.
type forerunner struct {
	to   http.ResponseWriter
	mu   sync.Mutex
	over bool
}

// forerunnerKey is the context key of a request's forerunner.
type forerunnerKey struct{}

// Inform is pass for transport.
func (f *forerunner) Inform(status int, header http.Header) {
	_ = f.pass(status, textproto.MIMEHeader(header)) // it never fails
}

func (f *forerunner) pass(code int, header textproto.MIMEHeader) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.over {
		return nil
	}
	h := f.to.Header()
	for name, values := range header {
		h[name] = values
	}
	f.to.WriteHeader(code)
	for name := range header {
		delete(h, name)
	}
	return nil
}

func (f *forerunner) end() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.over = true
}

// answerWith writes the response. Its error means that the answer is not
// complete.
func answerWith(w http.ResponseWriter, resp *http.Response) error {
	h := w.Header()
	for name, values := range resp.Header {
		if before, given := h[name]; given {
			values = append(before, values...)
		}
		h[name] = values // nobody else has use for them
	}
	if _, said := h["Content-Type"]; !said {
		h["Content-Type"] = nil // and no guess of the server's
	}
	announced := len(resp.Trailer)
	for name := range resp.Trailer {
		h.Add("Trailer", name)
	}
	w.WriteHeader(resp.StatusCode)
	if err := copyBody(w, resp); err != nil {
		return err
	}
	prefix := ""
	if len(resp.Trailer) != announced { // some came that were not announced
		prefix = http.TrailerPrefix
	}
	for name, values := range resp.Trailer {
		h[prefix+name] = append(h[prefix+name], values...)
	}
	return nil
}

// buffers are for bodies.
var buffers = sync.Pool{New: func() any { return new([32 << 10]byte) }}

// copyBody streams the body, and sees to it that each piece goes out as it came,
// but for the last, which goes with the end.
func copyBody(w http.ResponseWriter, resp *http.Response) error {
	left := resp.ContentLength
	if left == 0 || resp.Body == http.NoBody {
		return nil
	}
	buf := buffers.Get().(*[32 << 10]byte)
	defer buffers.Put(buf)
	flusher := http.NewResponseController(w)
	if left < 0 { // the first piece may come much later than the head
		_ = flusher.Flush() // it fails if the client has gone, and so will the next write
	}
	for {
		n, err := resp.Body.Read(buf[:])
		if n > 0 {
			if _, werr := w.Write(buf[:n]); werr != nil {
				return fmt.Errorf("writing to the client: %w", werr)
			}
			if left -= int64(n); left != 0 {
				_ = flusher.Flush()
			}
		}
		switch {
		case err == io.EOF:
			return nil
		case err != nil:
			return fmt.Errorf("reading the answer: %w", err)
		}
	}
}
