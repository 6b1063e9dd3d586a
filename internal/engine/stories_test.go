package engine_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// Wherever a head is cut, it is the same request.
func TestHeadsMayComeInPieces(t *testing.T) {
	s := ours(t, byName)
	whole := last("/request?a=b", "X-A: 1")
	want := s.dial(t)
	want.say(whole)
	_, text := want.answer("GET")
	for i := 1; i < len(whole); i += 3 {
		c := s.dial(t)
		if err := c.Conn.(*net.TCPConn).SetNoDelay(true); err != nil {
			t.Fatal(err)
		}
		c.say(whole[:i], whole[i:])
		if _, got := c.answer("GET"); got != text {
			t.Fatalf("cut at %d: got %q, want %q", i, got, text)
		}
		c.Close()
	}
	c := s.dial(t)
	c.say(strings.Split(whole, "")...)
	if _, got := c.answer("GET"); got != text {
		t.Errorf("cut everywhere: got %q, want %q", got, text)
	}
}

// What is not plain is answered by net/http's server on the same connection, and
// so is all that follows.
func TestPipelinesGoOnAcrossTheHandOver(t *testing.T) {
	for name, s := range map[string]*site{"plain": ours(t, byName), "TLS": oursInTLS(t, byName)} {
		t.Run(name, func(t *testing.T) {
			c := s.dial(t)
			odd := "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
			c.say(get("/short") + odd + last("/request"))
			for _, want := range []string{"hello", "hello", "GET /request"} {
				if _, got := c.answer("GET"); !strings.HasPrefix(got, want) {
					t.Errorf("got %q, want %q", got, want)
				}
			}
			if rest := c.rest(); rest != "" {
				t.Errorf("behind it came %q", rest)
			}
		})
	}
}

// Handlers see the TLS session on both ways.
func TestRequestsKnowTheirSession(t *testing.T) {
	s := oursInTLS(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.TLS != nil && r.TLS.HandshakeComplete && r.TLS.NegotiatedProtocol != "")
	}))
	s.secure.NextProtos = []string{"http/1.1"}
	c := s.dial(t)
	c.say(get("/"), last("/", "Te: trailers"))
	for range 2 {
		if _, got := c.answer("GET"); got != "true" {
			t.Errorf("the session is known: %s", got)
		}
	}
}

func TestHTTP2IsServed(t *testing.T) {
	s := oursInTLS(t, byName)
	transport := &http.Transport{TLSClientConfig: s.secure, ForceAttemptHTTP2: true}
	defer transport.CloseIdleConnections()
	resp, err := (&http.Client{Transport: transport}).Get("https://" + s.addr + "/short")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	if resp.ProtoMajor != 2 || string(body) != "hello" {
		t.Errorf("got %s %q", resp.Proto, body)
	}
}

func TestWhoSpeaksNoTLSIsTold(t *testing.T) {
	s := oursInTLS(t, byName)
	s.secure = nil
	c := s.dial(t)
	c.say(get("/"))
	if got := c.rest(); !strings.HasPrefix(got, "HTTP/1.0 400 ") {
		t.Errorf("got %q", got)
	}
}

// watcher is a handler that waits as a watch does, and tells of it.
type watcher struct {
	began chan struct{}
	ended chan error
}

// ServeHTTP implements [http.Handler].
func (h watcher) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	flush(w)
	child, cancel := context.WithCancelCause(r.Context()) // finds AfterFunc
	defer cancel(nil)
	close(h.began)
	<-child.Done()
	h.ended <- r.Context().Err()
}

// leaving are the ways in which clients leave. A half close within a session is
// none: nobody reads the session now.
var leaving = map[string]func(*client){
	"close": func(c *client) { c.Close() },
	"reset": func(c *client) {
		below := c.Conn
		if session, ok := below.(*tls.Conn); ok {
			below = session.NetConn()
		}
		_ = below.(*net.TCPConn).SetLinger(0)
		_ = below.Close()
	},
	"half close": func(c *client) { _ = c.Conn.(interface{ CloseWrite() error }).CloseWrite() },
}

// A handler that waits is told when its client leaves, and not before.
func TestClientsThatLeaveAreNoticed(t *testing.T) {
	type start func(testing.TB, http.Handler, ...func(*http.Server)) *site
	for kind, start := range map[string]start{"plain": ours, "TLS": oursInTLS} {
		for how, leave := range leaving {
			if kind == "TLS" && how == "half close" {
				continue
			}
			t.Run(kind+"/"+how, func(t *testing.T) {
				t.Parallel()
				h := watcher{make(chan struct{}), make(chan error, 1)}
				c := start(t, h).dial(t)
				c.say(get("/"))
				<-h.began
				select {
				case err := <-h.ended:
					t.Fatal("the request ended with its client there:", err)
				case <-time.After(2500 * time.Millisecond): // two looks of the server's
				}
				leave(c)
				select {
				case err := <-h.ended:
					if !errors.Is(err, context.Canceled) {
						t.Errorf("it ended with %v", err)
					}
				case <-time.After(patience):
					t.Fatal("nobody noticed")
				}
			})
		}
	}
}

// Slow and idle clients are not waited for without end.
func TestTimeLimits(t *testing.T) {
	const limit = 500 * time.Millisecond
	short := func(s *http.Server) { s.ReadHeaderTimeout, s.IdleTimeout = limit, limit }
	for name, say := range map[string]string{
		"says nothing":            "",
		"says a part of a head":   "GET / HTTP/1.1\r\nHost:",
		"is idle after a request": get("/short"),
		"is slow with the second": get("/short") + "GET ",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := ours(t, byName, short)
			for range 20 { // on a busy machine, this test may be too slow itself
				c := s.dial(t)
				_, err := io.WriteString(c, say)
				got := c.rest()
				if strings.Contains(got, "400") || !strings.Contains(say, "short") && strings.Contains(got, "hello") {
					t.Fatalf("got %q", got)
				}
				if err == nil && strings.Contains(say, "short") == strings.Contains(got, "hello") {
					return
				}
			}
			t.Error("no request was answered")
		})
	}
}

// Without a limit for idle connections there is still one for who never begins.
func TestNewcomersMustBegin(t *testing.T) {
	c := ours(t, byName, func(s *http.Server) { s.ReadHeaderTimeout = 100 * time.Millisecond }).dial(t)
	if got := c.rest(); got != "" {
		t.Errorf("got %q", got)
	}
}

// A connection that is idle has no buffers, and serves on.
func TestIdleConnectionsServeOn(t *testing.T) {
	for name, s := range map[string]*site{"plain": ours(t, byName), "TLS": oursInTLS(t, byName)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := s.dial(t)
			for range 100 {
				c.say(get("/short"))
				if _, got := c.answer("GET"); got != "hello" {
					t.Fatalf("got %q", got)
				}
			}
			c.say(last("/short"))
			if got := c.rest(); !strings.HasSuffix(got, "hello") {
				t.Errorf("got %q", got)
			}
		})
	}
}

// A client that is refused while it still sends gets the answer, and not a reset
// in its place.
func TestEarlyAnswersReachTheirClient(t *testing.T) {
	h := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusRequestEntityTooLarge) })
	for name, s := range map[string]*site{"plain": ours(t, h), "TLS": oursInTLS(t, h)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const size = 4 << 20
			c := s.dial(t)
			c.say(fmt.Sprintf("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", size))
			// All of it is sent before the answer is read, as some clients do.
			if n, err := io.WriteString(c, strings.Repeat("x", size)); err != nil {
				t.Fatalf("after %d bytes: %v", n, err)
			}
			resp, _ := c.answer("POST")
			if resp.StatusCode != http.StatusRequestEntityTooLarge || !resp.Close {
				t.Errorf("got %v", resp)
			}
		})
	}
}

// A body may be read by a goroutine that outlives its handler; the connection
// does not wait for it, and no byte of the next request is lost to it.
func TestBodiesEndWithTheirRequest(t *testing.T) {
	read := make(chan error, 1)
	s := ours(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).EnableFullDuplex()
		reading := make(chan struct{})
		go func() {
			close(reading)
			_, err := io.ReadAll(r.Body)
			read <- err
		}()
		<-reading
		say(w, "early")
	}))
	c := s.dial(t)
	c.say("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhello")
	if _, got := c.answer("POST"); got != "early" {
		t.Errorf("got %q", got)
	}
	if err := <-read; err == nil {
		t.Error("the body was read to an end that did not come")
	}
	if rest := c.rest(); rest != "" {
		t.Errorf("behind it came %q", rest)
	}
}

// Shutdown closes what is idle, on both ways, and waits for the rest.
func TestShutdownIsGraceful(t *testing.T) {
	began, proceed := make(chan struct{}, 2), make(chan struct{})
	s := ours(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/wait" {
			began <- struct{}{}
			<-proceed
		}
		say(w, "hello")
	}))
	idle, handed, busy, handedBusy := s.dial(t), s.dial(t), s.dial(t), s.dial(t)
	idle.say(get("/"))
	handed.say(get("/", "Te: trailers"))
	for _, c := range []*client{idle, handed} {
		c.answer("GET")
	}
	busy.say(get("/wait"))
	handedBusy.say(get("/wait", "Te: trailers"))
	<-began
	<-began
	done := make(chan error, 1)
	go func() { done <- s.server.Shutdown(context.Background()) }()
	for _, c := range []*client{idle, handed} {
		if rest := c.rest(); rest != "" {
			t.Errorf("an idle connection got %q", rest)
		}
	}
	if _, err := net.Dial("tcp", s.addr); err == nil {
		t.Error("a connection is accepted")
	}
	select {
	case err := <-done:
		t.Fatal("it did not wait:", err)
	default:
	}
	close(proceed)
	for _, c := range []*client{busy, handedBusy} {
		if resp, got := c.answer("GET"); got != "hello" || !resp.Close {
			t.Errorf("got %v %q", resp, got)
		}
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// Shutdown gives up in time, and Close breaks off what is left.
func TestShutdownGivesUp(t *testing.T) {
	began := make(chan struct{})
	s := ours(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(began)
		<-r.Context().Done()
	}))
	c := s.dial(t)
	c.say(get("/"))
	<-began
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := s.server.Shutdown(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	s.close()
	if rest := c.rest(); rest != "" {
		t.Errorf("got %q", rest)
	}
}

// Many clients at once, with bodies both ways.
func TestManyAtOnce(t *testing.T) {
	s := oursInTLS(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		_, _ = w.Write(body)
	}))
	s.secure.NextProtos = []string{"http/1.1"}
	transport := &http.Transport{TLSClientConfig: s.secure, MaxIdleConnsPerHost: 16}
	defer transport.CloseIdleConnections()
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			for n := range 8 {
				body := strings.Repeat("0123456789abcdef", 1+i*n*37)
				resp, err := (&http.Client{Transport: transport}).Post("https://"+s.addr+"/echo", "text/plain", strings.NewReader(body))
				if err != nil {
					t.Error(err)
					return
				}
				got, err := io.ReadAll(resp.Body)
				resp.Body.Close()
				if err != nil || string(got) != body {
					t.Errorf("got %d bytes, %v, want %d", len(got), err, len(body))
				}
			}
		})
	}
	wg.Wait()
}
