package engine_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// witness is a handler that remembers what it was asked.
type witness struct {
	mu  sync.Mutex
	saw []string
}

// ServeHTTP implements [http.Handler].
func (w *witness) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.saw = append(w.saw, fmt.Sprint(r.Method, " ", r.RequestURI, r.Proto, " ", r.Host, r.Header, r.Trailer, r.ContentLength, r.TransferEncoding, r.Close, string(body), err))
	say(rw, "seen")
}

// take returns what was seen since the last call.
func (w *witness) take() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	saw := w.saw
	w.saw = nil
	return saw
}

// smuggled are connections on whose requests servers do not agree, and some on
// which they do.
var smuggled = []string{
	get("/a") + get("/b") + last("/c"),
	"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello" + get("/b"),
	"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\nhello" + get("/b"),
	"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello" + get("/b"),
	"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello" + get("/b"),
	"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nG" + get("/b"),
	"POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 6\r\n\r\n0\r\n\r\nG" + get("/b"),
	"POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + get("/b"),
	"POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + get("/b"),
	"POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-T: 1\r\n\r\n" + get("/b"),
	"POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n" + get("/b"),
	"POST /a HTTP/1.1\r\nHost: x\r\nX: 1\r\n Content-Length: 5\r\n\r\nhello" + get("/b"),
	"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nX: 1\n\r\nhello" + get("/b"),
	"POST /a HTTP/1.1\nHost: x\nContent-Length: 5\n\nhello" + get("/b"),
	"GET /a HTTP/1.1\r\nHost: x\r\nContent-Length: 0x5\r\n\r\nhello" + get("/b"),
	"GET /a HTTP/1.1\r\nHost: x\r\n\r\n\r\n" + get("/b"),
	"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n\r\n\r\n" + get("/b"),
	"GET /a HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n" + get("/b"),
	"GET /a HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello" + get("/b"),
	"GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" + get("/b"),
	get("/a") + "GET /b HTTP/1.1\r\nHost:",
	"GET /a HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("x", 9000) + "\r\n\r\n" + get("/b"),
	"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
}

// FuzzConnection holds the engine to what net/http's server takes for requests,
// whatever a client says on a connection.
func FuzzConnection(f *testing.F) {
	for _, text := range smuggled {
		f.Add([]byte(text))
	}
	ourWitness, theirWitness := &witness{}, &witness{}
	we, they := ours(f, ourWitness), theirs(f, theirWitness)
	f.Fuzz(func(t *testing.T, text []byte) {
		want, got := saw(t, they, theirWitness, text), saw(t, we, ourWitness, text)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q is taken otherwise (-net/http +engine):\n%s", text, diff)
		}
	})
}

// saw says the text on a connection, ends it, and returns what its handler saw.
func saw(t *testing.T, s *site, w *witness, text []byte) []string {
	w.take()
	c := s.dial(t)
	defer c.Close()
	go func() {
		_, _ = c.Write(text) // the server may have ended it
		_ = c.Conn.(*net.TCPConn).CloseWrite()
	}()
	c.rest()
	return w.take()
}
