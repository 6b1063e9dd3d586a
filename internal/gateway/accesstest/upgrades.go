package accesstest

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/causeway-access/causeway/internal/gateway"
)

// wish writes the head of a request to be upgraded.
func wish(target, protocol string, lines ...string) string {
	return head("GET", target, append(lines, "Connection: keep-alive, Upgrade", "Upgrade: "+protocol)...)
}

// switching is what a backend answers to be upgraded.
func switching(protocol string, lines ...string) string {
	return "HTTP/1.1 101 Switching Protocols\r\n" + strings.Join(append(lines, "Connection: Upgrade", "Upgrade: "+protocol, "", ""), "\r\n")
}

// upgrades holds the engine to section 4 in HTTP/1.1; for HTTP/2 see
// streams.
func upgrades(t *testing.T, start Engine) {
	w := newWorld(t, start, nil)
	t.Run("4 101 -> bytes both ways with half-close", w.upgraded)
	t.Run("4 bytes behind the backend's head, and behind the client's", w.early)
	t.Run("4 the client's end first, the backend's end first", w.halves)
	t.Run("4 >=400 -> relayed, connection closed", w.refusals)
	t.Run("4 any other -> 502", w.others)
	t.Run("4 101 to another protocol -> 502", w.otherProtocol)
	t.Run("4 h2c is no upgrade", w.noUpgrade)
	t.Run("4 nor is a request with a body", w.withBody)
	t.Run("4 headers of the answer are rewritten", w.upgradedHeaders)
	t.Run("4 SPDY", w.spdy)
	t.Run("4 an upgraded connection that breaks is broken off", w.breaks)
	t.Run("4 what is passed on may be upgraded too", func(t *testing.T) { passedOn(t, start) })
}

// reversing answers 101 and then each line with its reverse, until the end of
// the client's side, then says goodbye.
func reversing(t *turn) {
	t.over = true
	t.write(switching(t.header("Upgrade")))
	for {
		line, err := t.in.ReadString('\n')
		if err != nil {
			t.write("bye " + line)
			return
		}
		b := []byte(strings.TrimSuffix(line, "\n"))
		for i, j := 0, len(b)-1; i < j; i, j = i+1, j-1 {
			b[i], b[j] = b[j], b[i]
		}
		t.write(string(b) + "\n")
	}
}

// switched reads the head of a 101.
func switched(t *testing.T, in *bufio.Reader) *http.Response {
	t.Helper()
	resp, err := http.ReadResponse(in, nil)
	if err != nil || resp.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("got %v, %v; want 101", resp, err)
	}
	return resp
}

func (w *world) upgraded(t *testing.T) {
	for _, protocol := range []string{"websocket", "SPDY/3.1", "anything"} {
		c := w.dial(t, "http/1.1")
		_, err := io.WriteString(c, wish(w.script.does(reversing), protocol))
		must(t, err)
		in := bufio.NewReader(c)
		if resp := switched(t, in); resp.Header.Get("Upgrade") != protocol || !strings.EqualFold(resp.Header.Get("Connection"), "upgrade") {
			t.Errorf("got %v", resp.Header)
		}
		for i := range 5 {
			_, err := fmt.Fprintf(c, "%d ab\n", i)
			must(t, err)
			if got, err := in.ReadString('\n'); err != nil || got != fmt.Sprintf("ba %d\n", i) {
				t.Fatalf("got %q, %v", got, err)
			}
		}
		must(t, c.CloseWrite())
		if rest, err := io.ReadAll(in); err != nil || string(rest) != "bye " {
			t.Errorf("after the client's half: got %q, %v", rest, err)
		}
	}
}

func (w *world) early(t *testing.T) {
	target := w.script.does(func(t *turn) {
		t.over = true
		t.write(switching("x") + "hello ")
		rest, _ := io.ReadAll(t.in)
		t.write("got " + string(rest))
	})
	c := w.dial(t, "http/1.1")
	_, err := io.WriteString(c, wish(target, "x")+"early ")
	must(t, err)
	in := bufio.NewReader(c)
	switched(t, in)
	_, err = io.WriteString(c, "late")
	must(t, err)
	must(t, c.CloseWrite())
	if rest, err := io.ReadAll(in); err != nil || string(rest) != "hello got early late" {
		t.Errorf("got %q, %v", rest, err)
	}
}

func (w *world) halves(t *testing.T) {
	got := make(chan string, 1)
	target := w.script.does(func(t *turn) {
		t.over = true
		t.write(switching("x") + "all I say")
		_ = t.conn.(interface{ CloseWrite() error }).CloseWrite()
		rest, _ := io.ReadAll(t.in)
		got <- string(rest)
	})
	c := w.dial(t, "http/1.1")
	_, err := io.WriteString(c, wish(target, "x"))
	must(t, err)
	in := bufio.NewReader(c)
	switched(t, in)
	if rest, err := io.ReadAll(in); err != nil || string(rest) != "all I say" {
		t.Fatalf("got %q, %v", rest, err)
	}
	_, err = io.WriteString(c, "still heard")
	must(t, err)
	must(t, c.CloseWrite())
	if said := <-got; said != "still heard" {
		t.Errorf("after the backend's end it heard %q", said)
	}
}

// refusals: the answer comes, and behind it nothing reaches the backend.
func (w *world) refusals(t *testing.T) {
	for code, answer := range map[int]string{
		403: "HTTP/1.1 403 Forbidden\r\nX-Why: because\r\nContent-Length: 2\r\n\r\nno",
		400: "HTTP/1.1 400 Bad\r\nTransfer-Encoding: chunked\r\nX-Why: because\r\n\r\n2\r\nno\r\n0\r\n\r\n",
		500: "HTTP/1.1 500 Oops\r\nX-Why: because\r\n\r\nno",
	} {
		w.refusal(t, code, answer, func(t *testing.T, resp *http.Response) {
			body, err := io.ReadAll(resp.Body)
			if string(body) != "no" || err != nil || resp.Header.Get("X-Why") != "because" || !resp.Close {
				t.Errorf("%d: got %q, %v with %v (closed %t)", code, body, err, resp.Header, resp.Close)
			}
		})
	}
}

func (w *world) others(t *testing.T) {
	for _, answer := range []string{
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", "HTTP/1.1 204 No Content\r\n\r\n", "HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 304 Not Modified\r\n\r\n", "garbage\r\n\r\n", "HTTP/1.1 101 Switching Protocols\r\n\r\n",
	} {
		w.refusal(t, http.StatusBadGateway, answer, nil)
	}
}

func (w *world) otherProtocol(t *testing.T) {
	w.refusal(t, http.StatusBadGateway, switching("other"), nil)
}

// refusal sends a wish with a request behind it to a backend that answers so.
func (w *world) refusal(t *testing.T, code int, answer string, check func(*testing.T, *http.Response)) {
	t.Helper()
	behind := make(chan string, 1)
	target := w.script.does(func(t *turn) {
		t.over = true
		t.write(answer)
		if strings.Contains(answer, "500 Oops") { // its end is that of the connection
			behind <- ""
			return
		}
		rest, _ := io.ReadAll(t.in)
		behind <- string(rest)
	})
	c := w.dial(t, "http/1.1")
	_, err := io.WriteString(c, wish(target, "x")+head("GET", "/secrets"))
	must(t, err)
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil || resp.StatusCode != code {
		t.Errorf("%.30q: got %v, %v; want %d", answer, resp, err, code)
		return
	}
	if check != nil {
		check(t, resp)
	}
	if got := <-behind; got != "" {
		t.Errorf("%.30q: the backend got %q behind its refusal", answer, got)
	}
}

func (w *world) noUpgrade(t *testing.T) {
	out := w.send(t, head("GET", web+"/echo", "Connection: Upgrade, HTTP2-Settings, close", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__"))
	if got := codes(out); len(got) != 1 || got[0] != 200 || strings.Contains(out, "h2c") || strings.Contains(out, "AAMA") {
		t.Errorf("got %q, want a plain answer to a plain request", out)
	}
}

// withBody: a request with a body is not upgraded; what is behind its head
// stays its body.
func (w *world) withBody(t *testing.T) {
	for _, framing := range []string{"Content-Length: 5", "Transfer-Encoding: chunked"} {
		body := "hello"
		if framing != "Content-Length: 5" {
			body = "5\r\nhello\r\n0\r\n\r\n"
		}
		out := w.send(t, head("POST", web+"/echo", "Connection: Upgrade, close", "Upgrade: x", framing)+body)
		if got := codes(out); len(got) != 1 || got[0] != 200 || strings.Contains(out, "Upgrade:") || !strings.Contains(out, "hello") {
			t.Errorf("%s: got %q, want a plain answer to a plain request", framing, out)
		}
	}
}

func (w *world) upgradedHeaders(t *testing.T) {
	target := w.script.does(func(t *turn) {
		t.over = true
		t.write(switching("x", "Set-Cookie: a=b; Path=/x", "Sec-WebSocket-Protocol: v4", "Audit-Id: forged", "Access-Control-Allow-Origin: *"))
	})
	c := w.dial(t, "http/1.1")
	_, err := io.WriteString(c, wish(target, "x"))
	must(t, err)
	h := switched(t, bufio.NewReader(c)).Header
	if h.Get("Set-Cookie") != "a=b; Path="+web+"/x" || h.Get("Sec-WebSocket-Protocol") != "v4" || h.Get("Audit-Id") == "forged" || h.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("got %v", h)
	}
}

// spdy: what kubectl sent until 1.30: POST with an empty body.
func (w *world) spdy(t *testing.T) {
	c := w.dial(t, "http/1.1")
	_, err := io.WriteString(c, strings.Replace(wish(w.script.does(reversing), "SPDY/3.1", "X-Stream-Protocol-Version: v4.channel.k8s.io", "Content-Length: 0"), "GET", "POST", 1))
	must(t, err)
	in := bufio.NewReader(c)
	switched(t, in)
	_, err = io.WriteString(c, "ab\n")
	must(t, err)
	if got, err := in.ReadString('\n'); err != nil || got != "ba\n" {
		t.Errorf("got %q, %v", got, err)
	}
}

func (w *world) breaks(t *testing.T) {
	gone := make(chan struct{})
	target := w.script.does(func(t *turn) {
		t.over = true
		t.write(switching("x"))
		_, _ = io.ReadAll(t.in)
		close(gone)
	})
	c := w.dial(t, "http/1.1")
	_, err := io.WriteString(c, wish(target, "x"))
	must(t, err)
	switched(t, bufio.NewReader(c))
	must(t, c.NetConn().Close())
	<-gone // or the test never ends
}

// passedOn: what is no target, exec above all, is Next's to upgrade.
func passedOn(t *testing.T, start Engine) {
	w := newWorld(t, start, func(c *gateway.Config) {
		c.Next = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			conn, buffered, err := http.NewResponseController(w).Hijack()
			if err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
			defer conn.Close()
			_, _ = buffered.WriteString(switching("v5"))
			_ = buffered.Flush()
			line, _ := buffered.ReadString('\n')
			_, _ = io.WriteString(conn, "exec "+line)
		})
	})
	c := w.dial(t, "http/1.1")
	_, err := io.WriteString(c, wish("/api/v1/namespaces/default/pods/p/exec?command=id", "v5")+"hello\n")
	must(t, err)
	in := bufio.NewReader(c)
	switched(t, in)
	if rest, err := io.ReadAll(in); err != nil || string(rest) != "exec hello\n" {
		t.Errorf("got %q, %v", rest, err)
	}
}
