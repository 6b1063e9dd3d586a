package gateway_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apiserver/pkg/authentication/authenticator"

	"github.com/causeway-access/causeway/internal/gateway"
)

// connect opens a connection to the gateway and sends bytes on it.
func (w *world) connect(send string) (net.Conn, *bufio.Reader) {
	w.t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(w.URL, "http://"))
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { c.Close() })
	io.WriteString(c, strings.ReplaceAll(send, "\n", "\r\n"))
	return c, bufio.NewReader(c)
}

const upgrade = "GET " + web + "/ws?x=%20 HTTP/1.1\nHost: h\nAuthorization: Bearer alice-token\nConnection: keep-alive, Upgrade\nUpgrade: echo\n\n"

// Section 4: bytes both ways after a 101, those sent early too, with half close.
func TestUpgrade(t *testing.T) {
	asked := make(chan *http.Request, 1)
	b := raw(t, func(c net.Conn, r *http.Request) {
		asked <- r
		io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\nSet-Cookie: a=b\r\n\r\nhello ")
		got, _ := io.ReadAll(c) // until the client's half close
		fmt.Fprintf(c, "got %s", got)
	})
	w := newWorld(t, nil, service("web", b)...)
	c, in := w.connect(upgrade + "early ")
	resp, err := http.ReadResponse(in, nil)
	if err != nil || resp.StatusCode != 101 || resp.Header.Get("Upgrade") != "echo" || resp.Header.Get("Set-Cookie") != "a=b; Path="+web+"/" {
		t.Fatalf("got %v, %v", resp, err)
	}
	io.WriteString(c, "late")
	c.(*net.TCPConn).CloseWrite()
	rest, err := io.ReadAll(in)
	if err != nil || string(rest) != "hello got early late" {
		t.Errorf("got %q, %v", rest, err)
	}
	r := <-asked
	if r.RequestURI != "/ws?x=%20" || r.Header.Get("Connection") != "Upgrade" || r.Header.Get("Authorization") != "" {
		t.Errorf("the backend was asked for %s with %v", r.RequestURI, r.Header)
	}
}

// Section 4: without a 101 nothing is joined (CVE-2018-1002105).
func TestRefusedUpgrade(t *testing.T) {
	for answer, want := range map[string]int{
		"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\nX-Why: because\r\n\r\nno":                      403,
		"HTTP/1.1 500 Oops\r\n\r\nuntil the end":                                                       500,
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok":                                               502,
		"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n":                               502,
		"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: other\r\n\r\n":            502,
		"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 404 Gone\r\nContent-Length: 0\r\n\r\n": 404,
	} {
		second := make(chan string, 1)
		b := raw(t, func(c net.Conn, _ *http.Request) {
			io.WriteString(c, answer)
			if !strings.Contains(answer, "until the end") {
				got, _ := io.ReadAll(c)
				second <- string(got)
				return
			}
			second <- ""
		})
		w := newWorld(t, nil, service("web", b)...)
		_, in := w.connect(upgrade + "GET /secrets HTTP/1.1\nHost: kubelet\n\n")
		resp, err := http.ReadResponse(in, nil)
		for err == nil && resp.StatusCode < 200 {
			resp, err = http.ReadResponse(in, nil)
		}
		if err != nil || resp.StatusCode != want {
			t.Errorf("%.20s: got %v, %v; want %d", answer, resp, err, want)
			continue
		}
		if got := <-second; got != "" {
			t.Errorf("%.20s: the backend got %q behind the refusal", answer, got)
		}
	}
}

// Section 3, and 103 of section 2.
func TestResponsePasses(t *testing.T) {
	b := backend(t, func(w http.ResponseWriter, _ *http.Request) {
		h := w.Header()
		h.Set("Link", "</a.css>; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
		h.Del("Link")
		h["Content-Type"], h["Date"] = nil, []string{"yesterday"}
		h.Set("Location", "/login?a=b#f")
		h.Set("Access-Control-Allow-Origin", "*")
		h.Set("Audit-Id", "forged")
		h.Add("Set-Cookie", "a=1; Path=/x; Domain=example.com; HttpOnly")
		h.Add("Set-Cookie", "b=2")
		w.WriteHeader(418)
		io.WriteString(w, "<html>")
	})
	w := newWorld(t, nil, service("web", b)...)
	var hints []string
	r, _ := http.NewRequestWithContext(httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
		Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
			hints = append(hints, fmt.Sprint(code, " ", h.Get("Link")))
			return nil
		},
	}), "GET", w.URL+web+"/", nil)
	r.Header.Set("Authorization", "Bearer alice-token")
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	if id := resp.Header.Get("Audit-Id"); id == "" || id == "forged" {
		t.Errorf("Audit-Id %q", id)
	}
	resp.Header.Del("Audit-Id")
	want := http.Header{
		"Date": {"yesterday"}, "Content-Length": {"6"}, "Location": {web + "/login?a=b#f"},
		"Set-Cookie": {"a=1; Path=" + web + "/x; HttpOnly", "b=2; Path=" + web + "/"},
	}
	if resp.StatusCode != 418 || string(body) != "<html>" {
		t.Errorf("got %s %q", resp.Status, body)
	}
	if diff := cmp.Diff(want, resp.Header); diff != "" {
		t.Errorf("headers, -want +got:\n%s", diff)
	}
	if diff := cmp.Diff([]string{"103 </a.css>; rel=preload"}, hints); diff != "" {
		t.Errorf("early hints, -want +got:\n%s", diff)
	}
}

// Section 3: a response that breaks off is broken off to the client too.
func TestBrokenResponse(t *testing.T) {
	for name, answer := range map[string]string{
		"by length": "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello",
		"chunked":   "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
	} {
		b := raw(t, func(c net.Conn, _ *http.Request) { io.WriteString(c, answer) })
		w := newWorld(t, nil, service("web", b)...)
		_, in := w.connect("GET " + web + "/ HTTP/1.1\nHost: h\nAuthorization: Bearer alice-token\n\n")
		resp, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Errorf("%s: no head: %v", name, err)
			continue
		}
		body, err := io.ReadAll(resp.Body)
		if string(body) != "hello" || !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%s: got %q, %v; want hello and an unexpected end", name, body, err)
		}
	}
}

func TestMalformedResponse(t *testing.T) {
	for _, answer := range []string{"nonsense\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello"} {
		b := raw(t, func(c net.Conn, _ *http.Request) { io.WriteString(c, answer) })
		w := newWorld(t, nil, service("web", b)...)
		if resp, body := w.do("GET", web+"/", nil); resp.StatusCode != 502 {
			t.Errorf("%q: got %s %s, want 502", answer, resp.Status, body)
		}
	}
}

func TestPanicIsAnsweredOnce(t *testing.T) {
	w := newWorld(t, func(c *gateway.Config) {
		c.Authenticator = authenticator.RequestFunc(func(*http.Request) (*authenticator.Response, bool, error) { panic("secret") })
	})
	resp, body := w.do("GET", web+"/", nil)
	if resp.StatusCode != 500 || !resp.Close || !strings.Contains(body, "panic") || strings.Contains(body, "secret") {
		t.Errorf("got %s (closed %t) %s", resp.Status, resp.Close, body)
	}
}
