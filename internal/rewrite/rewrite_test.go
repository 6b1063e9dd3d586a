package rewrite_test

import (
	"bytes"
	"compress/flate"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/andybalholm/brotli"
	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"

	"github.com/causeway-access/causeway/internal/rewrite"
)

var rules = &rewrite.Rules{Prefix: "/p/proxy", ClientHost: "api.example:6443", ClientProto: "https", BackendHost: "10.0.0.1:8080"}

// urls are the rows of section 3 for every place that holds a URL.
var urls = []struct{ name, in, want string }{
	{"a path", "/login?a=b#f", "/p/proxy/login?a=b#f"},
	{"the root", "/", "/p/proxy/"},
	{"absolute to the endpoint", "http://10.0.0.1:8080/x?y#z", "https://api.example:6443/p/proxy/x?y#z"},
	{"absolute to the client's host", "HTTPS://API.example:6443/x", "https://api.example:6443/p/proxy/x"},
	{"absolute without a path", "http://10.0.0.1:8080", "https://api.example:6443/p/proxy/"},
	{"absolute without a path, with a query", "http://10.0.0.1:8080?q", "https://api.example:6443/p/proxy/?q"},
	{"foreign", "https://example.com/x", "https://example.com/x"},
	{"foreign by port", "http://10.0.0.1:9090/x", "http://10.0.0.1:9090/x"},
	{"foreign by user", "http://10.0.0.1:8080@example.com/", "http://10.0.0.1:8080@example.com/"},
	{"protocol-relative", "//example.com/x", "//example.com/x"},
	{"protocol-relative to browsers", `/\example.com/x`, `/\example.com/x`},
	{"relative", "x/y", "x/y"},
	{"a fragment", "#x", "#x"},
	{"empty", "", ""},
	{"prefixed", "/p/proxy/x", "/p/proxy/x"},
	{"the prefix itself", "/p/proxy?x", "/p/proxy?x"},
	{"only like the prefix", "/p/proxyx", "/p/proxy/p/proxyx"},
	{"prefixed, absolute", "https://api.example:6443/p/proxy/x", "https://api.example:6443/p/proxy/x"},
	{"another scheme", "mailto:a@b", "mailto:a@b"},
	{"unparsable", "http://[::1/%zz", "http://[::1/%zz"},
}

func TestLocation(t *testing.T) {
	for _, tt := range urls {
		h := http.Header{"Location": {tt.in}, "Content-Location": {tt.in}, "Refresh": {"5; url=" + tt.in}}
		rules.Response(h, false)
		want := http.Header{"Location": {tt.want}, "Content-Location": {tt.want}, "Refresh": {"5; url=" + tt.want}}
		if diff := cmp.Diff(want, h); diff != "" {
			t.Errorf("%s, -want +got:\n%s", tt.name, diff)
		}
	}
}

func TestDefaultPortsMayBeMissing(t *testing.T) {
	r := &rewrite.Rules{Prefix: "/p", ClientHost: "api.example", ClientProto: "https", BackendHost: "10.0.0.1:80"}
	for in, want := range map[string]string{
		"http://10.0.0.1/x":          "https://api.example/p/x",
		"https://api.example:443/x":  "https://api.example/p/x",
		"https://api.example:8443/x": "https://api.example:8443/x",
	} {
		if got := r.URL(in); got != want {
			t.Errorf("URL(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestRefreshForms(t *testing.T) {
	for in, want := range map[string]string{
		"5": "5", "0;/x": "0;/p/proxy/x", "0; URL='/x'": "0; URL='/p/proxy/x'", `0;url = "/x" more`: `0;url = "/p/proxy/x" more`, "1, /x": "1, /p/proxy/x",
	} {
		h := http.Header{"Refresh": {in}}
		if rules.Response(h, false); h.Get("Refresh") != want {
			t.Errorf("%q became %q, want %q", in, h.Get("Refresh"), want)
		}
	}
}

func TestCookies(t *testing.T) {
	for in, want := range map[string]string{
		"a=b":                               "a=b; Path=/p/proxy/",
		"a=b; Path=/x; HttpOnly":            "a=b; Path=/p/proxy/x; HttpOnly",
		"a=b; domain=.example.com; Secure":  "a=b; Secure; Path=/p/proxy/",
		"a=b;path=/;Max-Age=1":              "a=b; Path=/p/proxy/;Max-Age=1",
		"a=b; Path=/p/proxy/x":              "a=b; Path=/p/proxy/x",
		"a=b; Path=; Path=/last":            "a=b; Path=/p/proxy/last",
		"a=b; Path=relative; SameSite=None": "a=b; Path=/p/proxy/; SameSite=None",
		`a="/x; y"`:                         `a="/x; y"; Path=/p/proxy/`,
	} {
		h := http.Header{"Set-Cookie": {in}}
		if rules.Response(h, false); h.Get("Set-Cookie") != want {
			t.Errorf("%q became %q, want %q", in, h.Get("Set-Cookie"), want)
		}
	}
}

func TestCORS(t *testing.T) {
	for _, keep := range []bool{false, true} {
		h := http.Header{"Access-Control-Allow-Origin": {"*"}, "Access-Control-Expose-Headers": {"x"}, "Connection": {"close, X-Hop"}, "X-Hop": {"1"}}
		rules.Response(h, keep)
		want := http.Header{"Access-Control-Expose-Headers": {"x"}}
		if keep {
			want["Access-Control-Allow-Origin"] = []string{"*"}
		}
		if diff := cmp.Diff(want, h); diff != "" {
			t.Errorf("keep %t, -want +got:\n%s", keep, diff)
		}
	}
}

// sink is a Sink that remembers where it was flushed.
type sink struct {
	bytes.Buffer
	flushed int
}

func (s *sink) Flush() { s.flushed = s.Len() }

// page copies a page and returns it.
func page(t *testing.T, encoding, in string) string {
	t.Helper()
	var out sink
	if err := rules.Copy(&out, strings.NewReader(in), http.Header{"Content-Encoding": {encoding}}); err != nil {
		t.Fatalf("copying %.40q: %v", in, err)
	}
	return out.String()
}

func TestPages(t *testing.T) {
	tests := []struct{ in, want string }{
		{`<a href="/x?a=1&amp;b">`, `<a href="/p/proxy/x?a=1&amp;b">`},
		{`<A class=q  HREF=/x id=1>text</A>`, `<A class=q  HREF="/p/proxy/x" id=1>text</A>`},
		{`<img src='/a' srcset="/a 1x, b 2x,/c,d 3x">`, `<img src='/p/proxy/a' srcset="/p/proxy/a 1x, b 2x,/p/proxy/c,d 3x">`},
		{`<img srcset=" /a 1x , /b 2x">`, `<img srcset=" /p/proxy/a 1x , /p/proxy/b 2x">`},
		{`<link imagesrcset="/a" href=/b />`, `<link imagesrcset="/p/proxy/a" href="/p/proxy/b" />`},
		{`<meta http-equiv=Refresh content="0; url=/x">`, `<meta http-equiv=Refresh content="0; url=/p/proxy/x">`},
		{`<meta name=x content="0; url=/x">`, `<meta name=x content="0; url=/x">`},
		{`<form action=" /x ">`, `<form action="/p/proxy/x">`},
		{`<a href=/x/>`, `<a href="/p/proxy/x/">`},
		{`<svg><use href="/i.svg#a" xlink:href="/b"/></svg>`, `<svg><use href="/p/proxy/i.svg#a" xlink:href="/p/proxy/b"/></svg>`},
		{`<base href="/"><body background=/b><video poster="/p">`, `<base href="/p/proxy/"><body background="/p/proxy/b"><video poster="/p/proxy/p">`},
	}
	for _, tt := range tests {
		if got := page(t, "", tt.in); got != tt.want {
			t.Errorf("%s\n got %s\nwant %s", tt.in, got, tt.want)
		}
	}
	for _, same := range []string{
		"", "text", "<", "<a", `<a href="/x`, "<p title='/x'>", `<a data-href="/x" href>`, "<!-- <a href='/x'> -->", `<script>var a = "<a href='/x'>"</script>`,
		"<textarea><a href=/x></textarea>", "<A HREF = 'rel' >\r\n&nbsp;\x00<br/></A >", "<!DOCTYPE html><a href='//h/x'>", "</a href='/x'>", `<a href=https://example.com/?u=/x>`,
	} {
		if got := page(t, "", same); got != same {
			t.Errorf("%q became %q", same, got)
		}
	}
}

func TestEveryAttributeOfTheSpec(t *testing.T) {
	for tag, names := range map[string]string{
		"a": "href", "area": "href", "audio": "src", "base": "href", "blockquote": "cite", "del": "cite", "ins": "cite", "q": "cite", "body": "background",
		"button": "formaction", "embed": "src", "form": "action", "frame": "src longdesc", "iframe": "src longdesc", "head": "profile", "html": "manifest",
		"img": "src srcset longdesc usemap", "input": "src formaction usemap", "link": "href imagesrcset", "object": "data classid codebase usemap",
		"script": "src", "source": "src srcset", "track": "src", "video": "src poster", "use": "href", "applet": "codebase", "command": "icon",
	} {
		for name := range strings.FieldsSeq(names) {
			in := "<" + tag + " " + name + `="/x">`
			if got, want := page(t, "", in), "<"+tag+" "+name+`="/p/proxy/x">`; got != want {
				t.Errorf("%s became %s", in, got)
			}
		}
	}
}

// codings compress and decompress for tests.
var codings = map[string]struct {
	encode func(io.Writer) io.WriteCloser
	decode func(io.Reader) (io.Reader, error)
}{
	"gzip":    {func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) }, func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) }},
	"deflate": {func(w io.Writer) io.WriteCloser { return zlib.NewWriter(w) }, func(r io.Reader) (io.Reader, error) { return zlib.NewReader(r) }},
	"br":      {func(w io.Writer) io.WriteCloser { return brotli.NewWriter(w) }, func(r io.Reader) (io.Reader, error) { return brotli.NewReader(r), nil }},
	"zstd": {func(w io.Writer) io.WriteCloser { e, _ := zstd.NewWriter(w); return e }, func(r io.Reader) (io.Reader, error) {
		d, err := zstd.NewReader(r)
		return d, err
	}},
}

func TestCodings(t *testing.T) {
	in := strings.Repeat(`<a href="/x">`, 5000)
	want := strings.Repeat(`<a href="/p/proxy/x">`, 5000)
	for name, c := range codings {
		var b bytes.Buffer
		w := c.encode(&b)
		io.WriteString(w, in)
		w.Close()
		r, err := c.decode(strings.NewReader(page(t, name, b.String())))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got, err := io.ReadAll(r); err != nil || string(got) != want {
			t.Errorf("%s: %d bytes, %v; want %d", name, len(got), err, len(want))
		}
	}
	var b bytes.Buffer
	w, _ := flate.NewWriter(&b, 5)
	io.WriteString(w, in)
	w.Close()
	if got, err := io.ReadAll(flate.NewReader(strings.NewReader(page(t, "deflate", b.String())))); err != nil || string(got) != want {
		t.Errorf("bare deflate: %d bytes, %v", len(got), err)
	}
}

func TestLyingCodingPassesIntact(t *testing.T) {
	for name := range codings {
		for _, in := range []string{"", "<", `<a href="/x">`, strings.Repeat("<a href=/x>", 10000)} {
			if got := page(t, name, in); got != in {
				t.Errorf("%s: %.30q (%d bytes) became %.30q (%d bytes)", name, in, len(in), got, len(got))
			}
		}
	}
}

func TestBrokenPageIsBroken(t *testing.T) {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	io.WriteString(w, strings.Repeat(`<a href="/x">`, 5000))
	w.Close()
	var out sink
	if err := rules.Copy(&out, bytes.NewReader(b.Bytes()[:b.Len()-20]), http.Header{"Content-Encoding": {"gzip"}}); err == nil {
		t.Error("a page that is cut off was completed")
	}
}

func TestPageIsSentAsItComes(t *testing.T) {
	src, server := io.Pipe()
	var out sink
	done := make(chan error)
	seen := make(chan int)
	go func() { done <- rules.Copy(&out, reading{src, func() { seen <- out.flushed }}, http.Header{}) }()
	<-seen
	io.WriteString(server, `<a href="/x"><p>`)
	want := len(`<a href="/p/proxy/x"><p>`)
	for got := 0; got < want; got = <-seen {
	}
	server.Close()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// reading tells of each read before it.
type reading struct {
	io.Reader
	tell func()
}

func (r reading) Read(p []byte) (int, error) { r.tell(); return r.Reader.Read(p) }

func TestHugeTokenPasses(t *testing.T) {
	in := "<a href=/x><script>" + strings.Repeat("x", 3<<20) + "</script><a href=/y>"
	if got := page(t, "", in); !strings.HasPrefix(got, `<a href="/p/proxy/x"><script>xx`) || !strings.HasSuffix(got, "x</script><a href=/y>") || len(got) != len(in)+len(`"/p/proxy"`) {
		t.Errorf("%d bytes became %d", len(in), len(got))
	}
}

func TestWhichBodiesAreRewritten(t *testing.T) {
	resp := func(status int, headers ...string) *http.Response {
		h := http.Header{"Content-Length": {"5"}}
		for i := 0; i < len(headers); i += 2 {
			h.Set(headers[i], headers[i+1])
		}
		return &http.Response{StatusCode: status, Header: h, ContentLength: 5}
	}
	tests := []struct {
		name   string
		resp   *http.Response
		method string
		want   bool
		length string
	}{
		{"html", resp(200, "Content-Type", "text/html; charset=utf-8"), "GET", true, ""},
		{"xhtml, an error page", resp(500, "Content-Type", "application/xhtml+xml", "Content-Encoding", "br"), "POST", true, ""},
		{"head of html", resp(200, "Content-Type", "text/html"), "HEAD", false, ""},
		{"json", resp(200, "Content-Type", "application/json"), "GET", false, "5"},
		{"no type", resp(200), "GET", false, "5"},
		{"unknown coding", resp(200, "Content-Type", "text/html", "Content-Encoding", "compress"), "GET", false, "5"},
		{"two codings", resp(200, "Content-Type", "text/html", "Content-Encoding", "gzip, br"), "GET", false, "5"},
		{"a part", resp(206, "Content-Type", "text/html"), "GET", false, "5"},
	}
	for _, tt := range tests {
		h := tt.resp.Header.Clone()
		if got := rules.Page(h, tt.resp, tt.method); got != tt.want || h.Get("Content-Length") != tt.length {
			t.Errorf("%s: got %t, length %q; want %t, %q", tt.name, got, h.Get("Content-Length"), tt.want, tt.length)
		}
	}
}

func FuzzPage(f *testing.F) {
	for _, seed := range []string{`<a href="/x">`, "<a href=/x", "<img srcset='/a 1x,/b'>", "<meta http-equiv=refresh content='1;url=/'>", "<script><!--</script>", "<a =/ href = '/>"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		once := page(t, "", in)
		if !strings.Contains(in, "/") && once != in { // nothing in it is a path
			t.Errorf("%q became %q", in, once)
		}
		if twice := page(t, "", once); twice != once {
			t.Errorf("not stable:\n%q\n%q\n%q", in, once, twice)
		}
		for name := range codings { // noise may begin like anything and then break off, but must not panic
			_ = rules.Copy(new(sink), strings.NewReader(in), http.Header{"Content-Encoding": {name}})
		}
	})
}
