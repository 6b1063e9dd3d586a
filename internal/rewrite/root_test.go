package rewrite_test

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/causeway-access/causeway/internal/rewrite"
)

// atRoot is what Causeway's gateway does for an application that has an origin
// of its own, stripping what the local proxy does to the answers of others.
var (
	atRoot    = &rewrite.Rules{Root: true, ClientHost: "web.default.localhost:8001", ClientProto: "http", BackendHost: "10.0.0.1:8080"}
	stripping = &rewrite.Rules{Root: true, Prefix: "/p/proxy", ClientHost: "web.default.localhost:8001", ClientProto: "http", BackendHost: "api.example:6443"}
)

func TestURLsAtTheRoot(t *testing.T) {
	const own = "http://web.default.localhost:8001"
	for _, test := range []struct{ name, in, root, stripped string }{
		{"a path", "/login?a=b#f", "/login?a=b#f", "/login?a=b#f"},
		{"relative", "../x", "../x", "../x"},
		{"prefixed", "/p/proxy/x?y", "/p/proxy/x?y", "/x?y"},
		{"prefixed, to browsers", `\p/proxy/x`, `\p/proxy/x`, `\p/proxy/x`},
		{"prefixed, bytes stay", " /p/proxy/%2F;\xff ", " /p/proxy/%2F;\xff ", " /%2F;\xff "},
		{"the prefix", "/p/proxy", "/p/proxy", "/"},
		{"the prefix and a query", "/p/proxy?x", "/p/proxy?x", "/?x"},
		{"like the prefix", "/p/proxyx", "/p/proxyx", "/p/proxyx"},
		{"what would lead to another host", "/p/proxy//evil.example/x", "/p/proxy//evil.example/x", "/.//evil.example/x"},
		{"and with a turned slash", `/p/proxy/\evil.example/x`, `/p/proxy/\evil.example/x`, `/./\evil.example/x`},
		{"protocol-relative", "//example.com/x", "//example.com/x", "//example.com/x"},
		{"its own", own + "/x", own + "/x", own + "/x"},
		{"its own, prefixed", own + "/p/proxy/x", own + "/p/proxy/x", own + "/x"},
		{"its own, by a scheme that is not served", "https://web.default.localhost:8001/x", own + "/x", own + "/x"},
		{"the endpoint", "http://10.0.0.1:8080/x", own + "/x", "http://10.0.0.1:8080/x"},
		{"the endpoint by TLS, without a path", "https://10.0.0.1:8080", own, "https://10.0.0.1:8080"},
		{"the API server, prefixed", "https://api.example:6443/p/proxy/x", "https://api.example:6443/p/proxy/x", own + "/x"},
		{"the API server, as the application took it", "https://api.example:6443/login", "https://api.example:6443/login", own + "/login"},
		{"another application", "http://other.default.localhost:8001/x", "http://other.default.localhost:8001/x", "http://other.default.localhost:8001/x"},
		{"foreign", "https://example.com/p/proxy/x", "https://example.com/p/proxy/x", "https://example.com/p/proxy/x"},
	} {
		if got := atRoot.URL(test.in); got != test.root {
			t.Errorf("%s: %q becomes %q, want %q", test.name, test.in, got, test.root)
		}
		if got := stripping.URL(test.in); got != test.stripped {
			t.Errorf("%s: with a prefix to strip %q becomes %q, want %q", test.name, test.in, got, test.stripped)
		}
	}
}

func TestHeadersAtTheRoot(t *testing.T) {
	sent := http.Header{
		"Set-Cookie": {
			"a=1; Path=/x; HttpOnly", "b=1; Domain=default.localhost", "c=1; path=/y; DOMAIN=.example.com; Secure", "__Host-d=1; Secure; Path=/",
			"e=1; Path=/p/proxy/x", "f=1; Path=/p/proxy; Domain=api.example",
		},
		"Service-Worker-Allowed": {"/"}, "Clear-Site-Data": {`"cookies"`}, "Access-Control-Allow-Origin": {"*"}, "Connection": {"X-Hop"}, "X-Hop": {"1"},
		"Location": {"http://10.0.0.1:8080/x"},
	}
	want := http.Header{
		"Set-Cookie": {
			"a=1; Path=/x; HttpOnly", "b=1", "c=1; Path=/y; Secure", "__Host-d=1; Secure; Path=/", "e=1; Path=/p/proxy/x", "f=1; Path=/p/proxy",
		},
		"Service-Worker-Allowed": {"/"}, "Clear-Site-Data": {`"cookies"`}, "Access-Control-Allow-Origin": {"*"},
		"Location": {"http://web.default.localhost:8001/x"},
	}
	got := sent.Clone()
	atRoot.Response(got, false)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	stripping.Response(sent, false)
	cookies := []string{"a=1; Path=/x; HttpOnly", "b=1", "c=1; Path=/y; Secure", "__Host-d=1; Secure; Path=/", "e=1; Path=/x", "f=1; Path=/"}
	if diff := cmp.Diff(cookies, sent["Set-Cookie"]); diff != "" {
		t.Errorf("with a prefix to strip, -want +got:\n%s", diff)
	}
}

type written struct{ bytes.Buffer }

func (*written) Flush() {}

func TestPagesAtTheRoot(t *testing.T) {
	const page = `<base href="https://api.example:6443/p/proxy/"><a href="/p/proxy/x">x</a><img srcset="/y 1x, /p/proxy/z 2x">`
	header := func() http.Header { return http.Header{"Content-Type": {"text/html"}, "Etag": {`"1"`}} }
	resp := &http.Response{StatusCode: http.StatusOK, Header: header(), ContentLength: int64(len(page)), Body: io.NopCloser(strings.NewReader(page))}
	if h := header(); atRoot.Page(h, resp, http.MethodGet) || h.Get("Etag") != `"1"` {
		t.Errorf("a page is to be rewritten without need: %v", h)
	}
	if !stripping.Page(header(), resp, http.MethodGet) {
		t.Fatal("a page is not to be rewritten")
	}
	var out written
	if err := stripping.Copy(&out, resp.Body, header()); err != nil {
		t.Fatal(err)
	}
	if want := `<base href="http://web.default.localhost:8001/"><a href="/x">x</a><img srcset="/y 1x, /z 2x">`; out.String() != want {
		t.Errorf("the page becomes\n%s, want\n%s", &out, want)
	}
}

// FuzzRoot holds that a reference to the application's own origin stays one,
// and that a prefix put before a path comes off again.
func FuzzRoot(f *testing.F) {
	for _, seed := range []string{"/x", "//evil.example", "/\\evil.example", "/.//x", "/p/proxy//evil.example", "https://api.example:6443/p/proxy//x", "\t/ p", "?x", "/../x"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, ref string) {
		base := &url.URL{Scheme: "http", Host: stripping.ClientHost, Path: "/"}
		for _, in := range []string{ref, stripping.Prefix + ref} {
			before, err := base.Parse(in)
			if err != nil || before.Host != base.Host {
				continue
			}
			out := stripping.URL(in)
			after, err := base.Parse(out)
			if err != nil || after.Host != base.Host {
				t.Errorf("%q, which leads to the application, becomes %q", in, out)
			}
		}
		if strings.HasPrefix(ref, "/") && !strings.HasPrefix(ref, "//") && !strings.ContainsAny(ref, "\\ \t\r\n\f\x00") && !strings.HasPrefix(ref, stripping.Prefix) {
			if got := stripping.URL(stripping.Prefix + ref); got != ref {
				t.Errorf("%q with the prefix comes back as %q", ref, got)
			}
		}
	})
}
