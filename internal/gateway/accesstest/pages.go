package accesstest

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"
)

// attributes are those of section 3 that hold URLs: element and attribute.
const attributes = `a href|area href|audio src|base href|blockquote cite|del cite|ins cite|q cite|body background|button formaction|embed src|form action|
frame src|frame longdesc|iframe src|iframe longdesc|head profile|html manifest|img src|img srcset|img longdesc|img usemap|input src|input formaction|input usemap|
link href|link imagesrcset|object data|object classid|object codebase|object usemap|script src|source src|source srcset|track src|video src|video poster|use href|applet codebase|command icon`

// codec packs and unpacks a content coding.
type codec struct {
	pack   func(io.Writer) (io.WriteCloser, error)
	unpack func(io.Reader) (io.Reader, error)
}

var codecs = map[string]codec{
	"gzip":    {func(w io.Writer) (io.WriteCloser, error) { return gzip.NewWriter(w), nil }, func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) }},
	"deflate": {func(w io.Writer) (io.WriteCloser, error) { return zlib.NewWriter(w), nil }, func(r io.Reader) (io.Reader, error) { return zlib.NewReader(r) }},
	"br":      {func(w io.Writer) (io.WriteCloser, error) { return brotli.NewWriter(w), nil }, func(r io.Reader) (io.Reader, error) { return brotli.NewReader(r), nil }},
	"zstd":    {func(w io.Writer) (io.WriteCloser, error) { return zstd.NewWriter(w) }, func(r io.Reader) (io.Reader, error) { return zstd.NewReader(r) }},
}

// pages holds the engine to the lines on HTML and content codings.
func pages(t *testing.T, start Engine) {
	w := newWorld(t, start, nil, service("default", "streaming", handled(t, streaming))...)
	var rows []row
	for _, pair := range strings.Split(strings.ReplaceAll(attributes, "\n", ""), "|") {
		element, attribute, _ := strings.Cut(pair, " ")
		rows = append(rows, page("HTML: "+pair, "text/html; charset=utf-8",
			fmt.Sprintf("<%s id=1 %s=\"/x\">", element, attribute), fmt.Sprintf("<%s id=1 %s=\"%s/x\">", element, attribute, web)))
	}
	rows = append(rows,
		page("HTML: meta refresh", "text/html", `<meta http-equiv="refresh" content="5; url=/x">`, `<meta http-equiv="refresh" content="5; url=`+web+`/x">`),
		page("XHTML too", "application/xhtml+xml", `<a href="/x"/>`, `<a href="`+web+`/x"/>`),
		page("by the rules of Location", "text/html", `<a href="https://example.com/x"><a href=x><a href="//y/z">`, `<a href="https://example.com/x"><a href=x><a href="//y/z">`),
		page("untouched tags are byte-identical", "text/html", "<!DOCTYPE html>\n<P  class = 'a' ><IMG alt=\"&amp;&lt\" ><br/ ><!-- /x --><script>var a='<a href=\"/x\">'</script>", "<!DOCTYPE html>\n<P  class = 'a' ><IMG alt=\"&amp;&lt\" ><br/ ><!-- /x --><script>var a='<a href=\"/x\">'</script>"),
		page("other types are not rewritten", "text/plain", `<a href="/x">`, `<a href="/x">`),
		row{section: "3", words: "streamed token by token", test: streamed},
		row{section: "3", words: "any other coding passes intact and unrewritten", test: func(t *testing.T, c *client) {
			unpacked(t, c, "x-other", `<a href="/x">`, `<a href="/x">`)
		}},
		row{section: "3", words: "a lying Content-Encoding passes intact", test: func(t *testing.T, c *client) {
			for coding := range codecs {
				unpacked(t, c, coding, "\x00\x01 nothing of the kind <a href=\"/x\">", "\x00\x01 nothing of the kind <a href=\"/x\">")
			}
		}},
	)
	for coding, k := range codecs {
		rows = append(rows, row{section: "3", words: coding + " is decoded, rewritten and re-encoded", test: func(t *testing.T, c *client) { recoded(t, c, coding, k) }})
	}
	w.run(t, rows)
}

// page is a row that sends a page and compares what comes.
func page(words, kind, in, want string) row {
	return row{section: "3", words: words, test: func(t *testing.T, c *client) {
		got := c.get(t, c.script.says(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s", kind, len(in), in)))
		if got.code != 200 || got.body != want {
			t.Errorf("got %d %q, want %q", got.code, got.body, want)
		}
	}}
}

func unpacked(t *testing.T, c *client, coding, in, want string) {
	t.Helper()
	got := c.get(t, c.script.says(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Encoding: %s\r\nContent-Length: %d\r\n\r\n%s", coding, len(in), in)))
	if got.code != 200 || got.body != want || got.header.Get("Content-Encoding") != coding || got.err != nil {
		t.Errorf("%s: got %d %q in %q, %v", coding, got.code, got.body, got.header.Get("Content-Encoding"), got.err)
	}
}

func recoded(t *testing.T, c *client, coding string, k codec) {
	var packed bytes.Buffer
	z, err := k.pack(&packed)
	must(t, err)
	_, err = io.WriteString(z, strings.Repeat("text ", 5000)+`<a href="/x">`)
	must(t, err)
	must(t, z.Close())
	got := c.get(t, c.script.says(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Encoding: %s\r\nContent-Length: %d\r\n\r\n%s", coding, packed.Len(), packed.String())), "Accept-Encoding", coding)
	if got.header.Get("Content-Encoding") != coding {
		t.Errorf("got %q", got.header.Get("Content-Encoding"))
	}
	r, err := k.unpack(strings.NewReader(got.body))
	must(t, err)
	text, err := io.ReadAll(r)
	if want := strings.Repeat("text ", 5000) + `<a href="` + web + `/x">`; err != nil || string(text) != want {
		t.Errorf("got %d bytes that end in %.80q, %v", len(text), text[max(0, len(text)-80):], err)
	}
}

// streaming is a backend that goes on with its page when it gets a byte.
func streaming(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/html")
	control := http.NewResponseController(w)
	_ = control.EnableFullDuplex()
	_, _ = io.WriteString(w, `<p>first</p><a href="/x">`)
	_ = control.Flush()
	_, _ = io.ReadFull(r.Body, make([]byte, 1))
	_, _ = io.WriteString(w, `<a href="/y">`)
}

func streamed(t *testing.T, c *client) {
	from, to := io.Pipe()
	defer to.Close()
	resp := c.open(t, &answer{}, "POST", proxied("services", "streaming")+"/", from)
	defer resp.Body.Close()
	prefix := proxied("services", "streaming")
	first := make([]byte, len(`<p>first</p><a href="/x">`)+len(prefix))
	if _, err := io.ReadFull(resp.Body, first); err != nil || string(first) != `<p>first</p><a href="`+prefix+`/x">` {
		t.Fatalf("before the page is at its end: got %q, %v", first, err)
	}
	_, err := io.WriteString(to, ".")
	must(t, err)
	if rest, err := io.ReadAll(resp.Body); err != nil || string(rest) != `<a href="`+prefix+`/y">` {
		t.Errorf("then %q, %v", rest, err)
	}
}
