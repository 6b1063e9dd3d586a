package accesstest

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/causeway-access/causeway/internal/gateway"
)

// responses holds the engine to section 3, but for HTML.
func responses(t *testing.T, start Engine) {
	w := newWorld(t, start, nil)
	w.run(t, []row{
		{section: "3", words: "status, headers, trailers pass", test: passes},
		{section: "3", words: "every status passes", test: func(t *testing.T, c *client) {
			for _, code := range []int{200, 201, 203, 206, 299, 300, 304, 400, 401, 404, 407, 418, 451, 499, 500, 502, 503, 599, 999} {
				if got := c.get(t, c.script.says(fmt.Sprintf("HTTP/1.1 %d Any\r\nContent-Length: 0\r\n\r\n", code))); got.code != code {
					t.Errorf("got %d, want %d", got.code, code)
				}
			}
		}},
		{section: "3", words: "the API server's own Cache-Control is not added", test: func(t *testing.T, c *client) {
			if got := c.get(t, web+"/"); got.header.Get("Cache-Control") != "" {
				t.Errorf("got Cache-Control %q", got.header.Get("Cache-Control"))
			}
		}},
		{section: "3", words: "hop-by-hop headers stay", test: func(t *testing.T, c *client) {
			got := c.get(t, c.script.says("HTTP/1.1 200 OK\r\nConnection: X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\nProxy-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n"))
			for _, name := range []string{"X-Hop", "Keep-Alive", "Proxy-Authenticate", "Connection"} {
				if got.header.Get(name) != "" {
					t.Errorf("got %s: %q", name, got.header.Get(name))
				}
			}
		}},
		{section: "3", words: "a HEAD keeps the length that a GET would have", test: func(t *testing.T, c *client) {
			got := c.do(t, "HEAD", c.script.says("HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n"), nil)
			if got.code != 200 || got.header.Get("Content-Length") != "1234" {
				t.Errorf("got %d with length %q", got.code, got.header.Get("Content-Length"))
			}
		}},
		{section: "3", words: "removed: Access-Control-Allow-*", test: func(t *testing.T, c *client) {
			got := c.get(t, c.script.says("HTTP/1.1 200 OK\r\nAccess-Control-Allow-Origin: *\r\nAccess-Control-Allow-Credentials: true\r\nContent-Length: 0\r\n\r\n"))
			if got.header.Get("Access-Control-Allow-Origin")+got.header.Get("Access-Control-Allow-Credentials") != "" {
				t.Errorf("got %v", got.header)
			}
		}},
		{section: "3", words: "a response that breaks off is broken off to the client too", test: breaksOff},
	})
	w.run(t, referenceRows())
	w.run(t, cookieRows())
	kept := newWorld(t, start, func(c *gateway.Config) { c.KeepCORS = true })
	kept.run(t, []row{{section: "3", words: "Access-Control-Allow-* unless CORS is configured off", test: func(t *testing.T, c *client) {
		got := c.get(t, c.script.says("HTTP/1.1 200 OK\r\nAccess-Control-Allow-Origin: *\r\nContent-Length: 0\r\n\r\n"))
		if got.header.Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("got %v", got.header)
		}
	}}})
}

func passes(t *testing.T, c *client) {
	got := c.get(t, c.script.says("HTTP/1.1 418 Teapot\r\nServer: me/1\r\nX-A: 1\r\nX-A: 2\r\nETag: \"x\"\r\nDate: yesterday\r\nTrailer: X-T\r\nAudit-Id: forged\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-T: v\r\n\r\n"))
	if id := got.header.Get("Audit-Id"); id == "" || id == "forged" {
		t.Errorf("the request is found in the log by %q", id)
	}
	got.header.Del("Audit-Id")
	got.header.Del("Trailer")
	want := http.Header{"Server": {"me/1"}, "X-A": {"1", "2"}, "Etag": {`"x"`}, "Date": {"yesterday"}}
	if diff := cmp.Diff(want, got.header); diff != "" {
		t.Errorf("headers, -want +got:\n%s", diff)
	}
	if got.code != http.StatusTeapot || got.body != "hello" || got.trailer.Get("X-T") != "v" || got.err != nil {
		t.Errorf("got %d %q, trailers %v, %v", got.code, got.body, got.trailer, got.err)
	}
}

func breaksOff(t *testing.T, c *client) {
	for name, answer := range map[string]string{
		"by length": "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello",
		"in chunks": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
		"in a page": "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
	} {
		got := c.get(t, c.script.ends(answer))
		if got.code != 200 || got.err == nil || got.body != "hello" {
			t.Errorf("%s: got %d %q, %v; want hello and an error", name, got.code, got.body, got.err)
		}
		if c.protocol == http1 && !errors.Is(got.err, io.ErrUnexpectedEOF) {
			t.Errorf("%s: got %v, want an unexpected end", name, got.err)
		}
	}
}

// referenceRows are the lines on Location and its like. ENGINE stands for the
// engine's address, BACKEND for the script's.
func referenceRows() []row {
	var rows []row
	for _, e := range []struct{ words, in, want string }{
		{"a path", "/login?a=b#f", web + "/login?a=b#f"},
		{"the root", "/", web + "/"},
		{"absolute to the endpoint", "http://BACKEND/x?y", "https://ENGINE" + web + "/x?y"},
		{"absolute to the client's own host", "https://ENGINE/x", "https://ENGINE" + web + "/x"},
		{"foreign", "https://example.com/x", "https://example.com/x"},
		{"protocol-relative", "//example.com/x", "//example.com/x"},
		{"relative", "x/y?z", "x/y?z"},
		{"already prefixed", web + "/x", web + "/x"},
		{"better: unparsable", "http://[::1/%zz", "http://[::1/%zz"},
	} {
		rows = append(rows, row{section: "3", words: "Location, Content-Location, Refresh: " + e.words, test: func(t *testing.T, c *client) {
			fill := strings.NewReplacer("ENGINE", c.addr.String(), "BACKEND", c.script.addr.String())
			in, want := fill.Replace(e.in), fill.Replace(e.want)
			got := c.get(t, c.script.says("HTTP/1.1 302 Found\r\nLocation: "+in+"\r\nContent-Location: "+in+"\r\nRefresh: 5; url="+in+"\r\nContent-Length: 0\r\n\r\n"))
			if got.code != 302 || got.location() != want || got.header.Get("Content-Location") != want || got.header.Get("Refresh") != "5; url="+want {
				t.Errorf("%q: got %d %q, %q, %q; want %q", in, got.code, got.location(), got.header.Get("Content-Location"), got.header.Get("Refresh"), want)
			}
		}})
	}
	return rows
}

func cookieRows() []row {
	var rows []row
	for in, want := range map[string]string{
		"a=1; Path=/x; HttpOnly":          "a=1; Path=" + web + "/x; HttpOnly",
		"a=1":                             "a=1; Path=" + web + "/",
		"a=1; Domain=example.com; Secure": "a=1; Secure; Path=" + web + "/",
		"a=1; Path=/x; Domain=.a.b; SameSite=Lax":           "a=1; Path=" + web + "/x; SameSite=Lax",
		"a=1; Expires=Wed, 21 Oct 2026 07:28:00 GMT; path=": "a=1; Expires=Wed, 21 Oct 2026 07:28:00 GMT; Path=" + web + "/",
	} {
		rows = append(rows, row{section: "3", words: "better: Set-Cookie: " + in, test: func(t *testing.T, c *client) {
			got := c.get(t, c.script.says("HTTP/1.1 200 OK\r\nSet-Cookie: "+in+"\r\nSet-Cookie: b=2; Path=/\r\nContent-Length: 0\r\n\r\n"))
			want := want + "\n" + "b=2; Path=" + web + "/"
			if diff := cmp.Diff(cookies(t, strings.Split(want, "\n")), cookies(t, got.header["Set-Cookie"])); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		}})
	}
	return rows
}

// cookies reads Set-Cookie headers; the order of attributes means nothing.
func cookies(t *testing.T, lines []string) []http.Cookie {
	t.Helper()
	var all []http.Cookie
	for _, line := range lines {
		c, err := http.ParseSetCookie(line)
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		c.Raw = ""
		all = append(all, *c)
	}
	return all
}
