package gateway_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/causeway-access/causeway/internal/gateway"
)

// stage is a gateway between bytes of a client's and bytes of a backend's.
type stage struct {
	*world
	mu     sync.Mutex
	answer string   // of the backend, which hangs up after it
	heads  []string // that the backend has read
}

func newStage(f *testing.F) *stage {
	s := &stage{}
	dial := func(context.Context, string, string) (net.Conn, error) {
		near, far := net.Pipe()
		go s.play(far)
		return near, nil
	}
	s.world = newWorld(f, func(c *gateway.Config) { c.Dial = dial }, service("web", netip.MustParseAddrPort("192.0.2.1:80"))...)
	return s
}

// play is the backend: it reads a head and answers.
func (s *stage) play(c net.Conn) {
	defer c.Close()
	in := bufio.NewReader(c)
	var head strings.Builder
	for !strings.HasSuffix(head.String(), "\r\n\r\n") {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		head.WriteString(line)
	}
	s.mu.Lock()
	s.heads = append(s.heads, head.String())
	answer := s.answer
	s.mu.Unlock()
	go io.Copy(io.Discard, in) // or the one at the other end of the pipe waits
	_, _ = io.WriteString(c, answer)
}

// ask sends a request and returns the final answer, what came behind a 101,
// and the heads that the backend got.
func (s *stage) ask(t *testing.T, request, answer string) (resp *http.Response, behind string, heads []string) {
	t.Helper()
	s.mu.Lock()
	s.answer, s.heads = answer, nil
	s.mu.Unlock()
	c, err := net.Dial("tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	_, _ = io.WriteString(c, request) // it may be refused before its end
	in := bufio.NewReader(c)
	if resp, err = final(in); err != nil {
		t.Fatalf("%q, answered with %q: %v", request, answer, err)
	}
	if resp.StatusCode == http.StatusSwitchingProtocols {
		rest, err := io.ReadAll(in)
		if err != nil {
			t.Fatalf("%q, answered with %q: the end does not come: %v", request, answer, err)
		}
		behind = string(rest)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return resp, behind, s.heads
}

// final reads the head of the response that is no interim one.
func final(in *bufio.Reader) (*http.Response, error) {
	for {
		resp, err := http.ReadResponse(in, nil)
		if err != nil || resp.StatusCode >= 200 || resp.StatusCode == http.StatusSwitchingProtocols {
			return resp, err
		}
	}
}

// Whatever fields come with a request that is or is not to be upgraded: what
// the backend gets is one request that can be read in one way, without the
// caller's credential and the fields of his connection; and the client gets a
// connection to it after a 101 alone.
func FuzzUpgradeRequest(f *testing.F) {
	s := newStage(f)
	const token = "4f1d0c9b7a66"
	for _, fields := range []string{
		"Connection: Upgrade\r\nUpgrade: websocket", "Connection: upgrade, keep-alive\r\nUpgrade: WebSocket", "Connection: keep-alive\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1",
		"Connection: Upgrade", "Upgrade: websocket", "Connection: Upgrade\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__", "Connection: Upgrade\r\nUpgrade: a, b",
		"Connection: Upgrade, X-Forwarded-For, Host\r\nUpgrade: websocket\r\nX-Forwarded-For: 1.2.3.4", "Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 5\r\n\r\nhello",
		"Connection: Upgrade\r\nUpgrade: websocket\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", "Connection: Upgrade\r\nUpgrade: web\tsocket", "Connection: Upgrade\r\nUpgrade: \xff",
		"Connection: Upgrade\r\nUpgrade:\r\n x", "Connection:Upgrade\r\nUpgrade:websocket\r\nSec-WebSocket-Protocol: base64url.bearer.authorization.k8s.io.eA, v4", "Expect: 100-continue\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 1",
		"Connection: Upgrade\r\nUpgrade: websocket\r\nHost: other", "Connection: Upgrade\nUpgrade: websocket", "Connection: Upgrade\r\nUpgrade: websocket\r\nAuthorization: Basic eA==", "Trailer: A\r\nTe: trailers, x\r\nConnection: te, Upgrade\r\nUpgrade: x",
	} {
		f.Add("a=%20b", fields, true)
		f.Add("", fields, false)
	}
	f.Fuzz(func(t *testing.T, query, fields string, accepts bool) {
		request := "GET " + web + "/ws?" + query + " HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer " + token + "-token\r\n" + fields + "\r\n\r\n"
		sent, err := http.ReadRequest(bufio.NewReader(strings.NewReader(request)))
		if err != nil {
			return // the server's to refuse, and not ours
		}
		answer := "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
		if accepts {
			answer = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: " + sent.Header.Get("Upgrade") + "\r\n\r\nbehind"
		}
		resp, behind, heads := s.ask(t, request, answer)
		if got := resp.StatusCode == http.StatusSwitchingProtocols; got && (!accepts || behind != "behind" || len(heads) != 1) {
			t.Errorf("%q: 101, then %q, of %q", request, behind, heads)
		}
		for _, head := range heads {
			checkForwarded(t, head, sent)
			if strings.Contains(head, token) {
				t.Errorf("the credential is in %q", head)
			}
		}
	})
}

// checkForwarded checks what the backend got of a request.
func checkForwarded(t *testing.T, head string, sent *http.Request) {
	t.Helper()
	if bare := strings.ReplaceAll(head, "\r\n", ""); strings.ContainsAny(bare, "\r\n\x00") {
		t.Errorf("a line break of its own in %q", head)
	}
	got, err := http.ReadRequest(bufio.NewReader(strings.NewReader(head)))
	if err != nil {
		t.Fatalf("%q: %v", head, err)
	}
	want := strings.TrimPrefix(sent.RequestURI, web)
	if got.RequestURI != want || got.Method != http.MethodGet || got.Host != sent.Host {
		t.Errorf("%s %s of %s arrived, want GET %s of %s", got.Method, got.RequestURI, got.Host, want, sent.Host)
	}
	upgrade, connection := got.Header["Upgrade"], got.Header["Connection"]
	switch {
	case len(upgrade) == 0 && len(connection) == 0:
	case len(upgrade) == 1 && upgrade[0] == sent.Header.Get("Upgrade") && len(connection) == 1 && connection[0] == "Upgrade":
	default:
		t.Errorf("Upgrade %q and Connection %q arrived", upgrade, connection)
	}
	for _, name := range []string{"Keep-Alive", "Proxy-Connection", "Proxy-Authorization", "Proxy-Authenticate"} {
		if values, ok := got.Header[name]; ok {
			t.Errorf("%s: %q arrived", name, values)
		}
	}
}

// Whatever a backend answers to a request for an upgrade: the client gets its
// raw bytes after a 101 to the protocol that he asked for, and else an answer
// of 400 or more.
func FuzzUpgradeAnswer(f *testing.F) {
	s := newStage(f)
	const switches = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
	for _, answer := range []string{
		switches + "\r\nraw", switches + "Content-Length: 3\r\n\r\nraw", switches + "Transfer-Encoding: chunked\r\n\r\nraw", "HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n" + switches + "\r\nraw",
		"HTTP/1.1 100 Continue\r\n\r\n" + switches + "\r\n", strings.Replace(switches, "websocket", "WebSocket", 1) + "\r\n", strings.Replace(switches, "websocket", "h2c", 1) + "\r\nraw",
		"HTTP/1.1 101 \r\n\r\nraw", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nraw", "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno", "HTTP/1.1 500 Oops\r\n\r\nraw", "HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n",
		"HTTP/1.0 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n", "HTTP/2.0 101 x\r\n\r\n", "", "\x16\x03\x01", switches, strings.ReplaceAll(switches, "\r", "") + "\nraw", switches + " folded\r\n\r\n", switches + "Upgrade: other\r\n\r\nraw",
	} {
		f.Add(answer)
	}
	f.Fuzz(func(t *testing.T, answer string) {
		if len(answer) > 64<<10 {
			return
		}
		const request = "GET " + web + "/ws HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer alice-token\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
		resp, behind, _ := s.ask(t, request, answer)
		if resp.StatusCode != http.StatusSwitchingProtocols {
			if resp.StatusCode < http.StatusBadRequest || resp.Header.Get("Upgrade") != "" {
				t.Errorf("%q: answered with %s %v", answer, resp.Status, resp.Header)
			}
			return
		}
		in := bufio.NewReader(strings.NewReader(answer))
		said, err := final(in)
		if err != nil || said.StatusCode != http.StatusSwitchingProtocols || !strings.EqualFold(said.Header.Get("Upgrade"), "websocket") {
			t.Errorf("%q: taken for a 101: %v", answer, err)
			return
		}
		var rest bytes.Buffer
		if _, err := rest.ReadFrom(in); err != nil && !errors.Is(err, io.EOF) {
			t.Fatal(err)
		}
		if behind != rest.String() || !strings.EqualFold(resp.Header.Get("Upgrade"), "websocket") {
			t.Errorf("%q: behind the 101 %v came %q", answer, resp.Header, behind)
		}
	})
}
