package engine_test

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/causeway-access/causeway/internal/engine"
	"github.com/causeway-access/causeway/test/leak"
)

func TestMain(m *testing.M) {
	leak.Main(m,
		// net/http's clients and servers end their goroutines in their own time.
		goleak.IgnoreAnyFunction("net/http.(*persistConn).readLoop"), goleak.IgnoreAnyFunction("net/http.(*persistConn).writeLoop"),
		goleak.IgnoreAnyFunction("net/http.(*http2clientConnReadLoop).run"))
}

// patience is for what must happen at some time.
const patience = time.Minute

// site is a server under test.
type site struct {
	addr   string
	secure *tls.Config // of clients; nil for a plain server
	close  func()
	server *engine.Server // nil for net/http's
}

// configure returns the http.Server that both kinds are made of.
func configure(t testing.TB, h http.Handler, change []func(*http.Server)) *http.Server {
	s := &http.Server{Handler: h, ErrorLog: log.New(io.Discard, "", 0)}
	for _, f := range change {
		f(s)
	}
	return s
}

func listen(t testing.TB) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// ours starts the engine.
func ours(t testing.TB, h http.Handler, change ...func(*http.Server)) *site {
	t.Helper()
	l := listen(t)
	s := engine.New(configure(t, h, change))
	return started(t, l, s, func() error { return s.Serve(l) })
}

func started(t testing.TB, l net.Listener, s *engine.Server, serve func() error) *site {
	var running sync.WaitGroup
	running.Go(func() {
		if err := serve(); !errors.Is(err, http.ErrServerClosed) {
			t.Error("Serve:", err)
		}
	})
	end := sync.OnceFunc(func() { _ = s.Close(); running.Wait() })
	t.Cleanup(end)
	return &site{addr: l.Addr().String(), close: end, server: s}
}

// oursInTLS starts the engine behind TLS.
func oursInTLS(t testing.TB, h http.Handler, change ...func(*http.Server)) *site {
	t.Helper()
	lender := httptest.NewUnstartedServer(nil)
	lender.StartTLS()
	pair, leaf := lender.TLS.Certificates, lender.Certificate()
	lender.Close()
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	l := listen(t)
	hs := configure(t, h, change)
	hs.TLSConfig = &tls.Config{Certificates: pair, NextProtos: []string{"h2", "http/1.1"}}
	s := engine.New(hs)
	at := started(t, l, s, func() error { return s.ServeTLS(l) })
	at.secure = &tls.Config{RootCAs: pool, ServerName: "example.com"}
	return at
}

// theirs starts net/http's server.
func theirs(t testing.TB, h http.Handler, change ...func(*http.Server)) *site {
	t.Helper()
	l := listen(t)
	s := configure(t, h, change)
	var running sync.WaitGroup
	running.Go(func() { _ = s.Serve(l) })
	end := sync.OnceFunc(func() { _ = s.Close(); running.Wait() })
	t.Cleanup(end)
	return &site{addr: l.Addr().String(), close: end}
}

// client is one connection.
type client struct {
	net.Conn
	t  testing.TB
	in *bufio.Reader
}

func (s *site) dial(t testing.TB) *client {
	t.Helper()
	c, err := net.Dial("tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if s.secure != nil {
		session := tls.Client(c, s.secure)
		if err := session.Handshake(); err != nil {
			t.Fatal(err)
		}
		c = session
	}
	return &client{c, t, bufio.NewReader(c)}
}

// say writes parts one after the other.
func (c *client) say(parts ...string) {
	c.t.Helper()
	for _, p := range parts {
		if _, err := io.WriteString(c, p); err != nil {
			c.t.Fatal(err)
		}
	}
}

// answer reads one answer.
func (c *client) answer(method string) (*http.Response, string) {
	c.t.Helper()
	resp, err := http.ReadResponse(c.in, &http.Request{Method: method})
	if err != nil {
		c.t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return resp, string(body)
}

// rest reads until the server closes the connection.
func (c *client) rest() string {
	c.t.Helper()
	all, err := io.ReadAll(c.in)
	if timeout := net.Error(nil); errors.As(err, &timeout) && timeout.Timeout() {
		c.t.Fatal("the server does not close the connection")
	}
	return string(all)
}

// get is a plain request.
func get(path string, lines ...string) string {
	return "GET " + path + " HTTP/1.1\r\nHost: example.com\r\n" + strings.Join(append(lines, "\r\n"), "\r\n")
}

// last is a plain request that is the connection's last.
func last(path string, lines ...string) string {
	return get(path, append(lines, "Connection: close")...)
}
