package transport_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/causeway-access/causeway/internal/route"
	"github.com/causeway-access/causeway/internal/transport"
)

// A kept connection that the backend has closed, or on which it has said more
// than it was asked for, fails no request, whatever its method: it is looked at
// before anything is sent. Both with and without TLS.
func TestStaleConnectionFailsNothing(t *testing.T) {
	for _, secure := range []bool{false, true} {
		for name, behind := range map[string]string{"closed": "", "poisoned": ok + "Content-Length: 6\r\n\r\npoison"} {
			t.Run(fmt.Sprintf("secure %t, %s", secure, name), func(t *testing.T) {
				next, done := make(chan struct{}), make(chan struct{})
				h := raw(t, secure, func(v *visit) {
					r := v.request()
					if r == nil {
						return
					}
					v.say(fmt.Sprintf("%sContent-Length: 1\r\n\r\n%d", ok, v.n))
					<-next // the response was read, and the connection kept
					if v.say(behind); behind == "" {
						v.Close()
					}
					done <- struct{}{}
					for v.request() != nil { // what is sent on it now is lost
					}
				})
				tr := newTransport(t)
				for n := range 5 {
					got := do(t.Context(), tr, h, &transport.Request{Method: "POST", Length: 4, Body: strings.NewReader("body")})
					if got.err != nil || got.body != fmt.Sprint(n) {
						t.Fatalf("request %d: got %q, %v", n, got.body, got.err)
					}
					next <- struct{}{}
					<-done
				}
			})
		}
	}
}

// Where another way leads to an endpoint from now on, what was kept by the one
// before is not used any more; what is kept to others is.
func TestMovedEndpointIsDialledAnew(t *testing.T) {
	tr := newTransport(t)
	var hops []transport.Hop
	for range 2 {
		hops = append(hops, raw(t, false, func(v *visit) {
			for v.request() != nil {
				v.say(fmt.Sprintf("%sContent-Length: 1\r\n\r\n%d", ok, v.n))
			}
		}))
	}
	for _, want := range []string{"0 0", "0 0", "1 0"} {
		if want == "1 0" {
			tr.Forget(func(e route.Endpoint) bool { return e == hops[0].Endpoint })
		}
		var got []string
		for _, h := range hops {
			got = append(got, do(t.Context(), tr, h, &transport.Request{Method: "GET"}).body)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("answered on connections %v, want %s", got, want)
		}
	}
}

// Requests one after the other share a connection, with and without TLS, and
// whatever their bodies. (Now and then the next one comes before the last byte
// of a body is known to have been written, and finds the connection busy.)
func TestConnectionIsKept(t *testing.T) {
	for _, secure := range []bool{false, true} {
		h := raw(t, secure, func(v *visit) {
			for v.request() != nil {
				n := fmt.Sprint(v.n)
				v.say(fmt.Sprintf("%sContent-Length: %d\r\n\r\n%s", ok, len(n), n))
			}
		})
		tr := newTransport(t)
		const requests = 40
		for n := range requests {
			r := &transport.Request{Method: "POST", Length: int64(n % 3 * 4), Body: strings.NewReader("bodybody")}
			if n%4 == 3 {
				r.Length, r.Body = -1, strings.NewReader("chunks")
			}
			got := do(t.Context(), tr, h, r)
			if on, err := strconv.Atoi(got.body); err != nil || on > requests/4 {
				t.Fatalf("secure %t, request %d: on connection %q, %v", secure, n, got.body, got.err)
			}
		}
	}
}

// What cannot be sent again is not risked on a connection that the backend may
// be about to close for want of use.
func TestOnlyAFreshConnectionTakesWhatCannotBeSentAgain(t *testing.T) {
	for name, tt := range map[string]struct {
		method string
		length int64
		idle   time.Duration
		kept   bool
	}{
		"just used":          {"POST", 4, 500 * time.Millisecond, true},
		"used a while ago":   {"POST", 4, 2 * time.Second, false},
		"of unknown length":  {"PATCH", -1, 2 * time.Second, false},
		"without a body":     {"POST", 0, 2 * time.Second, true},
		"that is idempotent": {"PUT", 4, 2 * time.Second, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var dials, open atomic.Int32
				tr := transport.New(transport.Config{Guard: loopback, Dial: func(context.Context, string, string) (net.Conn, error) {
					near, far := net.Pipe()
					v := newVisit(far)
					dials.Add(1)
					open.Add(1)
					go func() {
						defer open.Add(-1)
						for r := v.request(); r != nil; r = v.request() {
							v.say(ok + "Content-Length: 0\r\n\r\n")
						}
					}()
					return near, nil
				}})
				defer tr.Close()
				h := transport.Hop{Endpoint: route.Endpoint{Addr: netip.MustParseAddrPort("127.0.0.1:1")}, Scheme: route.SchemeHTTP}
				if got := do(t.Context(), tr, h, &transport.Request{}); got.err != nil {
					t.Fatal(got.err)
				}
				time.Sleep(tt.idle)
				if got := do(t.Context(), tr, h, &transport.Request{Method: tt.method, Length: tt.length, Body: strings.NewReader("body")}); got.err != nil {
					t.Fatal(got.err)
				}
				synctest.Wait()
				if kept := dials.Load() == 1; kept != tt.kept || open.Load() != 1 {
					t.Errorf("the connection was kept: %t, want %t; %d are open, want 1", kept, tt.kept, open.Load())
				}
			})
		})
	}
}

// What dies under a request is lost, and the error says whether that may be
// the fault of a connection that was kept too long.
func TestLostRequest(t *testing.T) {
	h := raw(t, false, func(v *visit) {
		if r := v.request(); r != nil && r.URL.Path == "/" {
			v.say(ok + "Content-Length: 0\r\n\r\n")
			v.request()
		}
	})
	tr := newTransport(t)
	for _, tt := range []struct{ path, want string }{
		{"/die", "lost reused=false unsent=false frozen=false"},
		{"/", ""},
		{"/die", "lost reused=true unsent=false frozen=false"},
	} {
		if got := kind(do(t.Context(), tr, h, &transport.Request{Path: tt.path}).err); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.path, got, tt.want)
		}
	}
	gone := raw(t, false, func(*visit) {})
	for range 20 { // whichever comes first: the request or the end
		if got := kind(do(t.Context(), tr, gone, &transport.Request{}).err); !strings.HasPrefix(got, "lost reused=false") {
			t.Errorf("a backend that hangs up at once: got %q", got)
		}
	}
}

// The end of the context ends an exchange that waits, at its begin and later.
func TestContextEndsTheExchange(t *testing.T) {
	for name, answer := range map[string]string{"before the head": "", "within the body": ok + "Content-Length: 9\r\n\r\n"} {
		for _, after := range []time.Duration{0, 700 * time.Millisecond} {
			t.Run(fmt.Sprint(name, ", after ", after), func(t *testing.T) {
				asked := make(chan struct{})
				h := raw(t, false, func(v *visit) {
					v.request()
					v.say(answer)
					close(asked)
					v.request() // until the connection ends
				})
				ctx, cancel := context.WithCancelCause(t.Context())
				go func() {
					<-asked
					time.AfterFunc(after, func() { cancel(context.DeadlineExceeded) })
				}()
				tr := newTransport(t)
				within(t, "the exchange", func() {
					got := do(ctx, tr, h, &transport.Request{})
					if err := got.err; answer == "" && err != context.DeadlineExceeded { //nolint:errorlint // the cause itself
						t.Errorf("got %v, want the cause", err)
					}
					if err := got.broken; answer != "" && err != context.DeadlineExceeded { //nolint:errorlint // the cause itself
						t.Errorf("got %v, want the cause", err)
					}
				})
			})
		}
	}
}

// Abandon ends what waits for an endpoint that does not answer, but not what
// may not be sent twice, nor what has begun to be answered.
func TestAbandon(t *testing.T) {
	asked := make(chan string, 8)
	release := make(chan struct{})
	h := raw(t, false, func(v *visit) {
		for {
			r := v.request()
			if r == nil {
				return
			}
			switch r.URL.Path {
			case "/kept":
				v.say(ok + "Content-Length: 1\r\n\r\n" + fmt.Sprint(v.n))
				continue
			case "/begun":
				v.say(ok + "Content-Length: 2\r\n\r\no")
			}
			asked <- r.URL.Path
			<-release
			if r.URL.Path == "/begun" {
				v.say("k")
				continue
			}
			v.say(ok + "Content-Length: 2\r\n\r\nok")
		}
	})
	tr := newTransport(t)
	tr.Abandon(h.Endpoint) // nothing waits yet
	results := map[string]chan *told{}
	for path, repeatable := range map[string]bool{"/again": true, "/once": false, "/begun": true} {
		c := make(chan *told, 1)
		results[path] = c
		go func() { c <- do(t.Context(), tr, h, &transport.Request{Path: path, Repeatable: repeatable}) }()
	}
	for range results {
		<-asked
	}
	other := route.Endpoint{Addr: netip.MustParseAddrPort("127.0.0.1:1")}
	tr.Abandon(other)
	for begun := false; !begun; { // until its first byte has been seen, Abandon may end it
		select {
		case got := <-results["/again"]:
			if kind(got.err) != "lost reused=false unsent=false frozen=true" {
				t.Errorf("got %v, want it frozen", got.err)
			}
			begun = true
		default:
			time.Sleep(10 * time.Millisecond)
			tr.Abandon(h.Endpoint)
		}
	}
	close(release)
	for _, path := range []string{"/once", "/begun"} {
		if got := <-results[path]; got.err != nil || got.body != "ok" || got.broken != nil {
			t.Errorf("%s: got %+v", path, got)
		}
	}
	before := do(t.Context(), tr, h, &transport.Request{Path: "/kept"})
	tr.Abandon(h.Endpoint)
	after := do(t.Context(), tr, h, &transport.Request{Path: "/kept"})
	if before.err != nil || after.err != nil || before.body == after.body {
		t.Errorf("the connection kept before was used after: %q, %q", before.body, after.body)
	}
}

// A dial and a TLS handshake that nobody answers are ended too; nothing was
// sent.
func TestAbandonEndsDials(t *testing.T) {
	dialled := make(chan struct{}, 1)
	tr := transport.New(transport.Config{Guard: loopback, DialTimeout: time.Hour, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		dialled <- struct{}{}
		<-ctx.Done()
		return nil, context.Cause(ctx)
	}})
	defer tr.Close()
	h := transport.Hop{Endpoint: route.Endpoint{Addr: netip.MustParseAddrPort("127.0.0.1:1")}, Scheme: route.SchemeHTTP}
	got := make(chan error, 1)
	go func() { got <- do(t.Context(), tr, h, &transport.Request{Method: "POST"}).err }()
	<-dialled
	tr.Abandon(h.Endpoint)
	if err := <-got; kind(err) != "dial" {
		t.Errorf("got %v, want a DialError", err)
	}
}

// HTTP/2 exchanges are abandoned too.
func TestAbandonHTTP2(t *testing.T) {
	asked, release := make(chan struct{}, 2), make(chan struct{})
	h := newH2C(t, func(w http.ResponseWriter, r *http.Request) {
		asked <- struct{}{}
		select {
		case <-release:
		case <-r.Context().Done():
		}
	})
	tr := newTransport(t)
	again, once := make(chan *told, 1), make(chan *told, 1)
	go func() { again <- do(t.Context(), tr, h, &transport.Request{Repeatable: true}) }()
	go func() { once <- do(t.Context(), tr, h, &transport.Request{}) }()
	<-asked
	<-asked
	tr.Abandon(h.Endpoint)
	if got := <-again; kind(got.err) != "lost reused=false unsent=false frozen=true" && kind(got.err) != "lost reused=true unsent=false frozen=true" {
		t.Errorf("got %v, want it frozen", got.err)
	}
	close(release)
	if got := <-once; got.err != nil || got.status != 200 {
		t.Errorf("what may not be repeated: got %d, %v", got.status, got.err)
	}
}

// Idle connections are closed in time: after 55 s, and a second before the
// backend has said that it would.
func TestIdleConnectionsAreClosed(t *testing.T) {
	for name, tt := range map[string]struct {
		header string
		after  time.Duration
	}{
		"by default": {"", 55 * time.Second}, "as the backend says": {"Keep-Alive: timeout=5, max=100\r\n", 4 * time.Second}, "not longer": {"Keep-Alive: timeout=500\r\n", 55 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var ended atomic.Bool
				tr := transport.New(transport.Config{Guard: loopback, Dial: func(context.Context, string, string) (net.Conn, error) {
					near, far := net.Pipe()
					v := newVisit(far)
					go func() {
						for v.request() != nil {
							v.say(ok + tt.header + "Content-Length: 0\r\n\r\n")
						}
						ended.Store(true)
					}()
					return near, nil
				}})
				h := transport.Hop{Endpoint: route.Endpoint{Addr: netip.MustParseAddrPort("127.0.0.1:1")}, Scheme: route.SchemeHTTP}
				if got := do(t.Context(), tr, h, &transport.Request{}); got.err != nil {
					t.Fatal(got.err)
				}
				time.Sleep(tt.after - 2*time.Second)
				if synctest.Wait(); ended.Load() {
					t.Error("closed too early")
				}
				time.Sleep(4 * time.Second)
				if synctest.Wait(); !ended.Load() {
					t.Error("not closed")
				}
			})
		})
	}
}
