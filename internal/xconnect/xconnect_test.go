package xconnect_test

import (
	"bufio"
	"crypto/sha1"
	"crypto/tls"
	"encoding/base64"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"golang.org/x/net/http2"

	"github.com/causeway-access/causeway/internal/engine/h2"
	"github.com/causeway-access/causeway/internal/xconnect"
	"github.com/causeway-access/causeway/internal/xconnect/h2test"
	"github.com/causeway-access/causeway/test/leak"
)

func TestMain(m *testing.M) { leak.Main(m) }

// serve starts a server with a handler behind xconnect.Handler, and returns a
// connection to it.
func serve(t *testing.T, next http.HandlerFunc) *h2test.Conn {
	t.Helper()
	s := httptest.NewUnstartedServer(xconnect.Handler(next))
	own := h2.New(h2.Config{Handler: s.Config.Handler, ExtendedConnect: true})
	s.EnableHTTP2 = true
	s.Config.TLSNextProto = map[string]func(*http.Server, *tls.Conn, http.Handler){http2.NextProtoTLS: own.NextProto}
	s.StartTLS()
	raw, err := tls.Dial("tcp", s.Listener.Addr().String(), &tls.Config{InsecureSkipVerify: true, NextProtos: []string{http2.NextProtoTLS}})
	if err != nil {
		t.Fatal(err)
	}
	c, err := h2test.Dial(raw)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close(); s.Close() })
	return c
}

// open sends an extended CONNECT with more header fields. One that is given
// takes the place of the usual.
func open(t *testing.T, c *h2test.Conn, more ...string) *h2test.Stream {
	t.Helper()
	fields := []string{":method", "CONNECT", ":protocol", "websocket", ":scheme", "https", ":path", "/chat?x=%20y", ":authority", "server.example"}
	for len(more) > 0 && more[0][0] == ':' {
		for i := 0; i < len(fields); i += 2 {
			if fields[i] == more[0] {
				fields[i+1] = more[1]
			}
		}
		more = more[2:]
	}
	s, err := c.Open(false, append(append(fields, "sec-websocket-version", "13", "origin", "https://server.example"), more...)...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// status waits for a response and fails if it has another status.
func status(t *testing.T, s *h2test.Stream, want int) http.Header {
	t.Helper()
	got, h, err := s.Head()
	if err != nil || got != want {
		t.Fatalf("got %d, %v; want %d", got, err, want)
	}
	for _, name := range []string{"Connection", "Upgrade", "Sec-Websocket-Accept", "Transfer-Encoding", "Keep-Alive"} {
		if h.Get(name) != "" {
			t.Errorf("the answer has %s: %s", name, h.Get(name))
		}
	}
	return h
}

// proof is what a server answers to a key (RFC 6455, section 4.2.2).
func proof(r *http.Request) string {
	sum := sha1.Sum([]byte(r.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// hijack takes the connection, as a handler of HTTP/1.1 would.
func hijack(t *testing.T, w http.ResponseWriter) (net.Conn, *bufio.ReadWriter) {
	c, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		t.Errorf("Hijack: %v", err)
		panic(http.ErrAbortHandler)
	}
	return c, rw
}

// switching writes the head of a 101.
func switching(w io.Writer, r *http.Request, more string) {
	_, _ = io.WriteString(w, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "+proof(r)+"\r\n"+more+"\r\n")
}

// echo answers 101, then what it reads, until the end.
func echo(t *testing.T) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		c, rw := hijack(t, w)
		defer c.Close()
		switching(c, r, "")
		_, _ = io.Copy(c, rw)
	}
}

func TestRequestLooksLikeHTTP1(t *testing.T) {
	seen := make(chan *http.Request, 1)
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		seen <- r.Clone(t.Context())
		w.WriteHeader(http.StatusForbidden)
	})
	status(t, open(t, c, "sec-websocket-protocol", "v4, v5", "sec-websocket-key", "theirs", "cookie", "a=b"), http.StatusForbidden)
	r := <-seen
	if r.Method != "GET" || r.Proto != "HTTP/1.1" || r.ProtoMajor != 1 || r.ProtoMinor != 1 || r.RequestURI != "/chat?x=%20y" || r.URL.Path != "/chat" || r.Host != "server.example" || r.TLS == nil || r.ContentLength != 0 {
		t.Errorf("got %s %s %s of %s", r.Method, r.RequestURI, r.Proto, r.Host)
	}
	key, err := base64.StdEncoding.DecodeString(r.Header.Get("Sec-WebSocket-Key"))
	if err != nil || len(key) != 16 {
		t.Errorf("the key is %q", r.Header.Get("Sec-WebSocket-Key"))
	}
	r.Header.Del("Sec-WebSocket-Key")
	for name, want := range map[string]string{
		"Connection": "Upgrade", "Upgrade": "websocket", "Sec-Websocket-Version": "13", "Sec-Websocket-Protocol": "v4, v5",
		"Origin": "https://server.example", "Cookie": "a=b", ":protocol": "",
	} {
		if got := r.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if _, ok := r.Header[":protocol"]; ok || len(r.Header) != 6 {
		t.Errorf("header %v", r.Header)
	}
}

func TestOtherRequestsPassAsTheyCome(t *testing.T) {
	seen := make(chan *http.Request, 1)
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		seen <- r.Clone(t.Context())
		if _, _, err := http.NewResponseController(w).Hijack(); err == nil {
			t.Error("HTTP/2 can be hijacked")
		}
		_, _ = io.WriteString(w, "plain")
	})
	for _, fields := range [][]string{
		{":method", "GET", ":scheme", "https", ":path", "/x", ":authority", "a"},
		{":method", "CONNECT", ":authority", "a:443"},
	} {
		s, err := c.Open(true, fields...)
		if err != nil {
			t.Fatal(err)
		}
		status(t, s, http.StatusOK)
		if r := <-seen; r.ProtoMajor != 2 || r.Method != fields[1] {
			t.Errorf("got %s in %s", r.Method, r.Proto)
		}
	}
}

// What would mean something else to those behind is refused here.
func TestDisguisesAreRefused(t *testing.T) {
	for _, tt := range []struct {
		name   string
		fields []string
		want   int // 0: the stream is reset
	}{
		{"another protocol", []string{":protocol", "connect-udp"}, 501},
		{"a method that is no CONNECT", []string{":method", "GET"}, 400},
		{"a length", []string{"content-length", "5"}, 400},
		{"an upgrade of the client's own", []string{"upgrade", "h2c"}, 400},
		{"a connection of the client's own", []string{"connection", "authorization"}, 400},
		{"a coding", []string{"transfer-encoding", "chunked"}, 400},
		{"codings that the client takes", []string{"te", "trailers"}, 400},
		{"two protocols", []string{":protocol", "websocket, h2c"}, 501},
		{"a line break in the protocol", []string{":protocol", "websocket\r\nx: y"}, 0},
		{"a line break in a value", []string{"sec-websocket-protocol", "v4\r\nx: y"}, 0},
		{"a user in the authority", []string{":authority", "a@b"}, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := serve(t, func(_ http.ResponseWriter, r *http.Request) { t.Errorf("it was served: %v", r.Header) })
			s := open(t, c, tt.fields...)
			if tt.want != 0 {
				status(t, s, tt.want)
			} else if got, h, err := s.Head(); err == nil && got < 400 {
				t.Errorf("got %d %v, want it refused", got, h)
			}
		})
	}
}
