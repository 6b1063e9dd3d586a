package rewrite

import (
	"bufio"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
)

// Sink is where a rewritten body goes. Flush sends what was written.
type Sink interface {
	io.Writer
	Flush()
}

// Page reports whether the body of a response is a page whose URLs are to be
// changed, and if so changes those headers in h that hold for the original
// bytes alone. The body is then to be copied by Copy. What passes intact are
// empty pages, parts of pages, and those in a coding that is not known or
// that they are not really in: to find that out, Page reads the first bytes of
// a compressed page and leaves in resp.Body one that still has them.
func (r *Rules) Page(h http.Header, resp *http.Response, method string) bool {
	if r.Root && r.Prefix == "" {
		return false
	}
	if !isHTML(resp.Header) {
		if resp.StatusCode == http.StatusNotModified && askedWeakly(resp) {
			weaken(h)
		}
		return false
	}
	switch resp.StatusCode {
	case http.StatusNoContent, http.StatusResetContent, http.StatusPartialContent:
		return false
	case http.StatusNotModified:
		forget(h)
		return false
	}
	name := codingName(resp.Header)
	if resp.ContentLength == 0 || name != "" && codingOf(name, nil) == nil {
		return false
	}
	if method == http.MethodHead {
		forget(h)
		return false
	}
	if name != "" {
		body := open(resp.Body, name)
		resp.Body = body
		if body.code == nil {
			return false
		}
	}
	forget(h)
	return true
}

// Copy copies a page from src to dst with its URLs changed, and flushes before
// it would have to wait for more. A body that is not in the coding that its
// header claims is copied as it is. After an error the page is not complete,
// though all of it that came has been written.
func (r *Rules) Copy(dst Sink, src io.Reader, h http.Header) error {
	name := codingName(h)
	if name == "" {
		return r.html(dst, eager{src, dst.Flush}, isXHTML(h))
	}
	if codingOf(name, nil) == nil {
		return intact(dst, src)
	}
	body, looked := src.(*opening)
	if !looked {
		body = open(io.NopCloser(src), name)
	}
	if body.code == nil {
		return intact(dst, body)
	}
	return r.coded(dst, body, isXHTML(h))
}

// coded copies a compressed page.
func (r *Rules) coded(dst Sink, body *opening, xml bool) error {
	code := body.code
	enc := code.encoders.Get().(encoder)
	defer code.encoders.Put(enc)
	enc.Reset(dst)
	out := &compressed{enc: enc, dst: dst}

	dec := code.decoders.Get().(decoder)
	defer code.decoders.Put(dec)
	in := inputs.Get().(*bufio.Reader)
	defer inputs.Put(in)
	in.Reset(eager{body, out.Flush})
	defer in.Reset(nil)

	err := dec.Reset(in)
	if err == nil {
		err = r.html(out, ended{dec}, xml)
	}
	if err != nil {
		out.Flush()
		return err
	}
	return enc.Close()
}

// inputs are buffers before decoders: they read little at a time, and what is
// read is what flushes.
var inputs = sync.Pool{New: func() any { return bufio.NewReaderSize(nil, 32<<10) }}

// compressed is a Sink that compresses.
type compressed struct {
	enc   encoder
	dst   Sink
	dirty bool // something was written since the last flush, which costs bytes
}

func (c *compressed) Write(p []byte) (int, error) {
	c.dirty = true
	return c.enc.Write(p)
}

func (c *compressed) Flush() {
	if c.dirty {
		c.dirty = false
		// An error shows in the next write.
		_ = c.enc.Flush()
	}
	c.dst.Flush()
}

// intact copies a body as it is, and sends each piece when it comes.
func intact(dst Sink, src io.Reader) error {
	_, err := io.Copy(struct{ io.Writer }{dst}, eager{src, dst.Flush})
	return err
}

// eager flushes the sink before each read, which may have to wait.
type eager struct {
	io.Reader
	flush func()
}

func (e eager) Read(p []byte) (int, error) {
	e.flush()
	return e.Reader.Read(p)
}

// isHTML reports whether a body is HTML by its Content-Type.
func isHTML(h http.Header) bool {
	kind, _, _ := strings.Cut(contentType(h), ";")
	return strings.EqualFold(strings.TrimSpace(kind), "text/html") || isXHTML(h)
}

func isXHTML(h http.Header) bool {
	kind, _, _ := strings.Cut(contentType(h), ";")
	return strings.EqualFold(strings.TrimSpace(kind), "application/xhtml+xml")
}

func contentType(h http.Header) string {
	if values := h["Content-Type"]; len(values) > 0 {
		return values[0]
	}
	return ""
}

// forget removes from the headers of a page what holds for its original bytes
// alone: their number, their digests, and that parts of them can be had.
func forget(h http.Header) {
	for _, name := range [...]string{"Content-Length", "Content-Md5", "Digest", "Content-Digest", "Repr-Digest", "Accept-Ranges"} {
		delete(h, name)
	}
	weaken(h)
}

// weaken makes an ETag a weak one, since what it names has no longer the bytes
// that it was given for (RFC 9110, section 8.8.1).
func weaken(h http.Header) {
	if tags := h["Etag"]; len(tags) == 1 && strings.HasPrefix(tags[0], `"`) {
		h["Etag"] = []string{"W/" + tags[0]}
	}
}

// askedWeakly reports whether a 304 without a Content-Type is about a page:
// the client then asked for it by the ETag that was weakened.
func askedWeakly(resp *http.Response) bool {
	tag := resp.Header.Get("Etag")
	return resp.Request != nil && strings.HasPrefix(tag, `"`) &&
		slices.ContainsFunc(resp.Request.Header["If-None-Match"], func(line string) bool {
			return strings.Contains(line, "W/"+tag)
		})
}
