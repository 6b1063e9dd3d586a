package transport_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/causeway-access/causeway/internal/route"
	"github.com/causeway-access/causeway/internal/transport"
	"github.com/causeway-access/causeway/test/leak"
)

func TestMain(m *testing.M) {
	leak.Main(m,
		// net/http's clients and servers end their goroutines in their own time.
		goleak.IgnoreAnyFunction("net/http.(*persistConn).readLoop"), goleak.IgnoreAnyFunction("net/http.(*persistConn).writeLoop"))
}

// visit is one connection that a raw backend has accepted.
type visit struct {
	net.Conn
	in *bufio.Reader
	n  int // counts them from 0
}

func newVisit(c net.Conn) *visit { return &visit{Conn: c, in: bufio.NewReader(c)} }

// request reads a request with its body, or returns nil at the end.
func (v *visit) request() *http.Request {
	r, err := http.ReadRequest(v.in)
	if err != nil {
		return nil
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil
	}
	r.Body = io.NopCloser(strings.NewReader(string(body)))
	return r
}

func (v *visit) say(s string) { _, _ = io.WriteString(v, s) }

// raw starts a backend that writes bytes as it likes; secure in TLS sessions.
func raw(t *testing.T, secure bool, serve func(*visit)) transport.Hop {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h := transport.Hop{Endpoint: route.Endpoint{Addr: netip.MustParseAddrPort(l.Addr().String())}, Scheme: route.SchemeHTTP}
	if secure {
		lender := httptest.NewUnstartedServer(nil)
		lender.StartTLS()
		certs := lender.TLS.Certificates
		lender.Close()
		h.Scheme = route.SchemeHTTPS
		l = tls.NewListener(l, &tls.Config{Certificates: certs})
	}
	var wg sync.WaitGroup
	ctx, cancel := context.WithCancel(context.Background())
	wg.Go(func() {
		for n := 0; ; n++ {
			c, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer c.Close()
				defer context.AfterFunc(ctx, func() { c.Close() })()
				v := newVisit(c)
				v.n = n
				serve(v)
			})
		}
	})
	t.Cleanup(func() { l.Close(); cancel(); wg.Wait() })
	return h
}

// says is a backend that answers each request with the same bytes; it hangs up
// after them if hangUp is set.
func says(t *testing.T, answer string, hangUp bool) transport.Hop {
	return raw(t, false, func(v *visit) {
		for v.request() != nil {
			if v.say(answer); hangUp {
				return
			}
		}
	})
}

func newTransport(t *testing.T) *transport.Transport {
	t.Helper()
	tr := transport.New(transport.Config{Guard: loopback})
	t.Cleanup(tr.Close)
	return tr
}

// told is what came of an exchange.
type told struct {
	status  int
	header  http.Header
	body    string
	trailer http.Header
	early   []string
	err     error // of RoundTrip
	broken  error // of the body
}

// Inform notes a 1xx response.
func (g *told) Inform(status int, h http.Header) {
	g.early = append(g.early, strings.TrimSpace(fmt.Sprint(status, " ", h.Get("Link"))))
}

// do makes an exchange.
func do(ctx context.Context, tr *transport.Transport, h transport.Hop, r *transport.Request) *told {
	got := &told{header: http.Header{}}
	if r.Path == "" {
		r.Path = "/"
	}
	if r.Method == "" {
		r.Method = "GET"
	}
	r.Early = got
	var resp transport.Response
	if got.err = tr.RoundTrip(ctx, h, r, &resp); got.err != nil {
		return got
	}
	defer resp.Close()
	got.status = resp.Status
	resp.CopyHeader(got.header, "")
	body, err := io.ReadAll(&resp)
	got.body, got.broken, got.trailer = string(body), err, resp.Trailer
	return got
}

// kind names the kind of an error.
func kind(err error) string {
	var dial *transport.DialError
	var lost *transport.LostError
	var bad *transport.BadError
	var invalid *transport.InvalidError
	switch {
	case err == nil:
		return ""
	case errors.As(err, &dial):
		return "dial"
	case errors.As(err, &lost):
		return fmt.Sprintf("lost reused=%t unsent=%t frozen=%t", lost.Reused, lost.Unsent, lost.Frozen)
	case errors.As(err, &bad):
		return "bad"
	case errors.As(err, &invalid):
		return "invalid"
	default:
		return err.Error()
	}
}

// within fails the test if f does not return soon.
func within(t *testing.T, what string, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() { defer close(done); f() }()
	select {
	case <-done:
	case <-time.After(time.Minute):
		t.Fatal(what + " does not end")
	}
}
