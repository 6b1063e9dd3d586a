package rewrite

import (
	"io"
	"mime"
	"net/http"
	"strings"
)

// Sink is where a rewritten body goes. Flush sends what was written.
type Sink interface {
	io.Writer
	Flush()
}

// Page reports whether the body of a response is a page whose URLs are to be
// changed, and if so removes those headers from h that hold for the original
// bytes alone. The body is then to be copied by Copy. Pages in a coding that
// is not known, and parts of pages, pass intact.
func (r *Rules) Page(h http.Header, resp *http.Response, method string) bool {
	if !isHTML(resp.Header) || codings[coding(resp.Header)] == nil {
		return false
	}
	switch resp.StatusCode {
	case http.StatusNoContent, http.StatusResetContent, http.StatusPartialContent, http.StatusNotModified:
		return false
	}
	for _, name := range [...]string{"Content-Length", "Content-Md5", "Digest", "Content-Digest", "Repr-Digest", "Accept-Ranges"} {
		delete(h, name)
	}
	return method != http.MethodHead && resp.ContentLength != 0
}

// Copy copies a page from src to dst with its URLs changed, and flushes before
// it would have to wait for more. A body that is not in the coding that its
// header claims is copied as it is.
func (r *Rules) Copy(dst Sink, src io.Reader, h http.Header) error {
	return codings[coding(h)](r, dst, src)
}

// isHTML reports whether a body is HTML by its Content-Type.
func isHTML(h http.Header) bool {
	kind, _, _ := mime.ParseMediaType(h.Get("Content-Type"))
	return kind == "text/html" || kind == "application/xhtml+xml"
}

// coding returns the one Content-Encoding of a body in lower case; several
// come out as a name that is not known.
func coding(h http.Header) string {
	return strings.ToLower(strings.TrimSpace(strings.Join(h["Content-Encoding"], ",")))
}

// eager flushes the sink before each read that may have to wait.
type eager struct {
	io.Reader
	flush func()
}

func (e eager) Read(p []byte) (int, error) {
	e.flush()
	return e.Reader.Read(p)
}
