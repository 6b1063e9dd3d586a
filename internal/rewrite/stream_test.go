package rewrite_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
)

// flushed is a Sink that passes on, at each flush, what was written.
type flushed struct {
	bytes.Buffer
	to chan<- []byte
}

func (f *flushed) Flush() {
	f.to <- bytes.Clone(f.Bytes())
	f.Reset()
}

// What the backend has sent reaches the client before it sends more: text that
// no tag has ended, half a script, half a comment, everything but half a tag.
func TestPageIsSentAsItComes(t *testing.T) {
	pieces := []struct{ in, want string }{
		{`<a href="/x">Wait`, `<a href="/p/proxy/x">Wait`},
		{" a", " a"},
		{"nd <", "nd <"},
		{"b>see<a hr", "b>see<a"},
		{`ef="/y">`, ` href="/p/proxy/y">`},
		{"<script>let a", "<script>let a"},
		{"=1</scr", "=1</scr"},
		{`ipt><!-- a <a href="/x`, `ipt><!-- a <a href="/x`},
		{`"> --`, `"> --`},
		{`><a href=/z>`, `><a href=/p/proxy/z>`},
	}
	for _, c := range append([]codingName{""}, codingNames...) {
		src, server := io.Pipe()
		sent := make(chan []byte, 1000)
		done := make(chan error, 1)
		go func() {
			done <- rules.Copy(&flushed{to: sent}, src, http.Header{"Content-Encoding": {c.header()}})
			close(sent)
		}()
		client := newClient(c, sent)
		var write flusher = plainly{server}
		if c != "" {
			write = c.encoder(server)
		}
		for _, piece := range pieces {
			if _, err := io.WriteString(write, piece.in); err != nil {
				t.Fatal(err)
			}
			if err := write.Flush(); err != nil {
				t.Fatal(err)
			}
			got := make([]byte, len(piece.want))
			if _, err := io.ReadFull(client, got); err != nil || string(got) != piece.want {
				t.Fatalf("%q: got %q, %v; want %q", c, got, err, piece.want)
			}
		}
		_, _ = write.Close(), server.Close()
		if err := <-done; err != nil {
			t.Errorf("%q: %v", c, err)
		}
	}
}

// plainly is an encoder of nothing.
type plainly struct{ io.WriteCloser }

func (plainly) Flush() error { return nil }

// newClient reads and decodes what was flushed.
func newClient(c codingName, sent <-chan []byte) io.Reader {
	r := &channel{from: sent}
	if c == "" {
		return r
	}
	return &lazily{open: func() (io.Reader, error) { return c.decoder(r) }}
}

// channel is a reader of what comes through one.
type channel struct {
	from <-chan []byte
	left []byte
}

func (c *channel) Read(p []byte) (int, error) {
	for len(c.left) == 0 {
		next, more := <-c.from
		if !more {
			return 0, io.EOF
		}
		c.left = next
	}
	n := copy(p, c.left)
	c.left = c.left[n:]
	return n, nil
}

// lazily is a reader that is opened when it is first read.
type lazily struct {
	open func() (io.Reader, error)
	io.Reader
}

func (l *lazily) Read(p []byte) (int, error) {
	if l.Reader == nil {
		var err error
		if l.Reader, err = l.open(); err != nil {
			return 0, err
		}
	}
	return l.Reader.Read(p)
}

// Pieces of every size make the same page.
func TestPiecesOfPages(t *testing.T) {
	for _, tt := range markup {
		want := page(t, "", tt.in)
		for at := range len(tt.in) {
			var out sink
			if err := rules.Copy(&out, io.MultiReader(strings.NewReader(tt.in[:at]), strings.NewReader(tt.in[at:])), nil); err != nil || out.String() != want {
				t.Errorf("%s, cut at %d: got %s, %v; want %s", tt.name, at, out.String(), err, want)
			}
		}
	}
}

// Around the end of the buffer nothing is lost.
func TestTagsAcrossBuffers(t *testing.T) {
	for before := 64<<10 - 40; before < 64<<10+2; before++ {
		in := strings.Repeat("x", before) + `<img src="/x" srcset="/y">` + strings.Repeat("z", 64<<10)
		want := strings.Repeat("x", before) + `<img src="/p/proxy/x" srcset="/p/proxy/y">` + strings.Repeat("z", 64<<10)
		if got := page(t, "", in); got != want {
			t.Errorf("behind %d bytes: %d bytes became %d, want %d", before, len(in), len(got), len(want))
		}
	}
}

// A tag longer than the buffer is not kept: what is complete of it changes,
// the rest passes, and the page goes on. A script may be as long as it likes.
func TestHugeTokens(t *testing.T) {
	huge := strings.Repeat("x", 1<<20)
	for _, tt := range []struct{ name, in, want string }{
		{"a script", "<script>" + huge + "</script><a href=/y>", "<script>" + huge + "</script><a href=/p/proxy/y>"},
		{"a comment", "<!--" + huge + "--><a href=/y>", "<!--" + huge + "--><a href=/p/proxy/y>"},
		{"a picture in its tag", `<img longdesc="/d" src="data:,` + huge + `" srcset="/s"><a href=/y>`, `<img longdesc="/p/proxy/d" src="data:,` + huge + `" srcset="/s"><a href=/p/proxy/y>`},
		{"many attributes", "<a" + strings.Repeat(" href=/x", 1<<17) + "><a href=/y>", "<a href=/p/proxy/x" + strings.Repeat(" href=/x", 1<<17-1) + "><a href=/p/proxy/y>"},
		{"a name", "<" + huge + " href=/x><a " + huge + "=/x href=/y><a href=/y>", "<" + huge + " href=/x><a " + huge + "=/x href=/y><a href=/p/proxy/y>"},
		{"an open quote", `<a href="/x` + huge, "-"},
		{"text", huge + "<a href=/y>", huge + "<a href=/p/proxy/y>"},
	} {
		if tt.want == "-" {
			tt.want = tt.in
		}
		if got := page(t, "", tt.in); got != tt.want {
			t.Errorf("%s: %d bytes became %d, want %d", tt.name, len(tt.in), len(got), len(tt.want))
		}
	}
}

func TestErrorsAreTold(t *testing.T) {
	broken := io.MultiReader(strings.NewReader(`<p>x<a href="/x`), iotest.ErrReader(io.ErrClosedPipe))
	var out sink
	if err := rules.Copy(&out, broken, nil); !errors.Is(err, io.ErrClosedPipe) || out.String() != `<p>x<a href="/x` {
		t.Errorf("got %q, %v; want all that came and its error", out.String(), err)
	}
	for _, c := range append([]codingName{""}, codingNames...) {
		body := io.Reader(&repeat{text: []byte(link), left: 1 << 20})
		if c != "" {
			body = bytes.NewReader(c.compress(strings.Repeat(link, 1<<14)))
		}
		if err := rules.Copy(full{}, body, http.Header{"Content-Encoding": {c.header()}}); !errors.Is(err, io.ErrShortWrite) {
			t.Errorf("%q: the client is gone, and the error was %v", c, err)
		}
	}
}

// full is a Sink that takes nothing.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, io.ErrShortWrite }
func (full) Flush()                    {}

// repeat is a page of a size that nobody would keep.
type repeat struct {
	text []byte
	at   int
	left int64
}

func (r *repeat) Read(p []byte) (n int, err error) {
	if r.left <= 0 {
		return 0, io.EOF
	}
	for n < len(p) && int64(n) < r.left {
		k := copy(p[n:], r.text[r.at:])
		r.at = (r.at + k) % len(r.text)
		n += k
	}
	n = int(min(int64(n), r.left))
	r.left -= int64(n)
	return n, nil
}

// A page takes the same memory whatever its size, and so does one that a few
// bytes decompress to: all that is allocated for it is less than it is.
// CAUSEWAY_PAGE_MB is the size, for a look at 1 GB.
func TestMemoryIsBounded(t *testing.T) {
	size := int64(40 << 20)
	if mb, err := strconv.ParseInt(os.Getenv("CAUSEWAY_PAGE_MB"), 10, 64); err == nil {
		size = mb << 20
	}
	const bound = 30 << 20 // most of it are windows of zstd
	text := strings.Repeat("<p>"+strings.Repeat("text ", 100)+"</p><script>/* <a> */</script>", 100) + link
	for _, tt := range []struct {
		name string
		kind codingName
		text string
	}{
		{"a page", "", text},
		{"a script", "", "<script>" + strings.Repeat("x", 1<<20)},
		{"text in gzip", "gzip", strings.Repeat("x", 64<<10)},
		{"text in br", "br", strings.Repeat("x", 64<<10)},
		{"text in zstd", "zstd", strings.Repeat("x", 64<<10)},
	} {
		body := io.Reader(&repeat{text: []byte(tt.text), left: size})
		if tt.kind != "" {
			body = compressing(t, tt.kind, body)
		}
		before := allocated()
		if err := rules.Copy(discard{}, body, http.Header{"Content-Encoding": {tt.kind.header()}}); err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		took := allocated() - before
		if t.Logf("%s of %d bytes: %d KiB of memory", tt.name, size, took>>10); took > bound {
			t.Errorf("%s of %d bytes took %d bytes of memory, more than %d", tt.name, size, took, bound)
		}
	}
}

// allocated returns how many bytes were allocated so far, be they still in use
// or not.
func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }
func (discard) Flush()                      {}

// compressing compresses what it reads.
func compressing(t *testing.T, c codingName, src io.Reader) io.Reader {
	var b bytes.Buffer
	z := c.encoder(&b)
	if _, err := io.Copy(z, src); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return &b
}
