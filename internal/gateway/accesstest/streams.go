package accesstest

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/causeway-access/causeway/internal/gateway"
	"github.com/causeway-access/causeway/internal/xconnect/h2test"
)

// streams holds the engine to the last line of section 4: WebSockets over
// HTTP/2 by extended CONNECT, RFC 8441.
func streams(t *testing.T, start Engine) {
	w := newWorld(t, start, nil, node("n", 0))
	const line = "4 HTTP/2 clients: extended CONNECT (RFC 8441) WebSockets work: "
	t.Run(line+"bytes both ways, with the end of the client's side", w.connected)
	t.Run(line+"large messages", w.connectedLarge)
	t.Run(line+"what the backend gets", w.connectedHead)
	t.Run(line+"refusals are relayed", w.connectRefused)
	t.Run(line+"401 and 403 as for others", w.connectUnauthorized)
	t.Run(line+"a node needs create", w.connectNode)
	t.Run(line+"a reset ends the backend's connection", w.connectReset)
	t.Run(line+"what is passed on", func(t *testing.T) { connectPassed(t, start) })
}

// connect sends an extended CONNECT with more header fields.
func (w *world) connect(t *testing.T, target string, more ...string) *h2test.Stream {
	t.Helper()
	h, err := h2test.Dial(w.dial(t, "h2"))
	must(t, err)
	t.Cleanup(func() { h.Close() })
	if !h.ExtendedConnect() {
		t.Fatal("the engine does not offer it")
	}
	fields := []string{":method", "CONNECT", ":protocol", "websocket", ":scheme", "https", ":authority", "gateway", ":path", target, "sec-websocket-version", "13"}
	if len(more) == 0 || more[0] != "authorization" {
		more = append([]string{"authorization", "Bearer alice-token"}, more...)
	}
	s, err := h.Open(false, append(fields, more...)...)
	must(t, err)
	return s
}

// opened waits for the head and fails if it has another status.
func opened(t *testing.T, s *h2test.Stream, want int) http.Header {
	t.Helper()
	code, h, err := s.Head()
	if err != nil || code != want {
		t.Fatalf("got %d, %v; want %d", code, err, want)
	}
	return h
}

// proven is what a backend with WebSockets answers.
func proven(t *turn) string {
	return switching("websocket", "Sec-WebSocket-Accept: "+proof(t.header("Sec-WebSocket-Key")))
}

// reflecting answers 101, then what it reads.
func reflecting(t *turn) {
	t.over = true
	t.write(proven(t))
	_, _ = io.Copy(t.conn, t.in)
	t.write("bye")
}

func (w *world) connected(t *testing.T) {
	s := w.connect(t, w.script.does(reflecting))
	opened(t, s, http.StatusOK)
	for i := range 50 {
		want := fmt.Sprint("message ", i)
		_, err := io.WriteString(s, want)
		must(t, err)
		got := make([]byte, len(want))
		if _, err := io.ReadFull(s, got); err != nil || string(got) != want {
			t.Fatalf("got %q, %v", got, err)
		}
	}
	must(t, s.CloseWrite())
	if rest, err := io.ReadAll(s); err != nil || string(rest) != "bye" {
		t.Errorf("got %q, %v", rest, err)
	}
}

func (w *world) connectedLarge(t *testing.T) {
	s := w.connect(t, w.script.does(reflecting))
	opened(t, s, http.StatusOK)
	const size = 4 << 20
	go func() {
		_, _ = io.WriteString(s, strings.Repeat("x", size))
		_ = s.CloseWrite()
	}()
	if n, err := io.Copy(io.Discard, s); n != size+int64(len("bye")) || err != nil {
		t.Errorf("got %d bytes, %v", n, err)
	}
}

func (w *world) connectedHead(t *testing.T) {
	heads := make(chan *turn, 1)
	target := w.script.does(func(t *turn) {
		t.over = true
		heads <- t
		t.write(strings.TrimSuffix(proven(t), "\r\n") + "Set-Cookie: a=b; Path=/x\r\nSec-WebSocket-Protocol: v5\r\nAccess-Control-Allow-Origin: *\r\n\r\n")
	})
	s := w.connect(t, target+"?a=%20;b", "sec-websocket-protocol", "v4, v5", "cookie", "c=d")
	h := opened(t, s, http.StatusOK)
	if h.Get("Set-Cookie") != "a=b; Path="+web+"/x" || h.Get("Sec-WebSocket-Protocol") != "v5" || h.Get("Access-Control-Allow-Origin")+h.Get("Connection")+h.Get("Upgrade") != "" {
		t.Errorf("the answer has %v", h)
	}
	got := <-heads
	want := map[string]string{
		"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Protocol": "v4, v5", "Sec-WebSocket-Version": "13", "Cookie": "c=d",
		"Host": "gateway", "X-Forwarded-Prefix": web, "X-Forwarded-Proto": "https", "Authorization": "", ":protocol": "", "Transfer-Encoding": "", "Content-Length": "",
	}
	seen := map[string]string{}
	for name := range want {
		seen[name] = got.header(name)
	}
	if diff := cmp.Diff(want, seen); diff != "" || !strings.HasPrefix(got.head, "GET /act/") || !strings.HasSuffix(got.target(), "?a=%20;b") || strings.Contains(got.head, ":protocol") {
		t.Errorf("the backend got %q; -want +got:\n%s", got.head, diff)
	}
}

func (w *world) connectRefused(t *testing.T) {
	for answer, want := range map[string]int{
		"HTTP/1.1 403 Forbidden\r\nX-Why: because\r\nContent-Length: 2\r\n\r\nno": 403,
		"HTTP/1.1 500 Oops\r\nX-Why: because\r\n\r\nno":                           500,
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok":                          502,
		"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n":          502,
		switching("h2c"):                         502,
		switching("websocket") + "without proof": 502,
	} {
		s := w.connect(t, w.script.ends(answer))
		h := opened(t, s, want)
		body, err := io.ReadAll(s)
		if err != nil || want != 502 && (string(body) != "no" || h.Get("X-Why") != "because") {
			t.Errorf("%.20q: got %q, %v with %v", answer, body, err, h)
		}
	}
}

func (w *world) connectUnauthorized(t *testing.T) {
	opened(t, w.connect(t, web+"/ws", "authorization", "Bearer nobody"), http.StatusUnauthorized)
	opened(t, w.connect(t, web+"/ws", "authorization", "Bearer bob-token"), http.StatusForbidden)
	opened(t, w.connect(t, proxied("services", "absent")+"/ws"), http.StatusNotFound)
}

func (w *world) connectNode(t *testing.T) {
	w.asks()
	opened(t, w.connect(t, "/api/v1/nodes/n/proxy/x"), http.StatusServiceUnavailable) // it has no address
	if diff := cmp.Diff([]string{"alice create  nodes/proxy n", "alice get  nodes/proxy n"}, w.asks()); diff != "" {
		t.Errorf("-want +asked:\n%s", diff)
	}
	opened(t, w.connect(t, "/api/v1/nodes/n/proxy/x", "authorization", "Bearer reader-token"), http.StatusForbidden)
}

func (w *world) connectReset(t *testing.T) {
	gone := make(chan struct{})
	target := w.script.does(func(t *turn) {
		t.over = true
		t.write(proven(t))
		_, _ = io.ReadAll(t.in)
		close(gone)
	})
	s := w.connect(t, target)
	opened(t, s, http.StatusOK)
	must(t, s.Reset())
	<-gone // or the test never ends
}

// connectPassed: what is no target may take it up as an upgrade, or not at all.
func connectPassed(t *testing.T, start Engine) {
	w := newWorld(t, start, func(c *gateway.Config) {
		c.Next = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/exec" {
				http.Error(w, r.Method+" "+r.Proto, http.StatusTeapot)
				return
			}
			conn, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
			defer conn.Close()
			_, _ = io.WriteString(conn, switching("websocket", "Sec-WebSocket-Accept: "+proof(r.Header.Get("Sec-WebSocket-Key")))+"exec")
		})
	})
	s := w.connect(t, "/exec")
	opened(t, s, http.StatusOK)
	if got, err := io.ReadAll(s); err != nil || string(got) != "exec" {
		t.Errorf("got %q, %v", got, err)
	}
	s = w.connect(t, "/other")
	opened(t, s, http.StatusTeapot)
	if got, err := io.ReadAll(s); err != nil || string(got) != "GET HTTP/1.1\n" {
		t.Errorf("got %q, %v", got, err)
	}
}
