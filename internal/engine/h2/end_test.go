package h2_test

import (
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/http2"

	"github.com/causeway-access/causeway/internal/engine/h2"
)

// What was sent before the client could know is served, what comes later is
// not, and nothing is broken off.
func TestShutdownEndsConnectionsInTwoSteps(t *testing.T) {
	release := make(chan struct{})
	s := h2.New(h2.Config{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/wait" {
			<-release
		}
		_, _ = io.WriteString(w, "whole")
	})})
	p := call(t, s)
	p.greet()
	p.open(1, true, head(":path", "/wait")...)
	p.open(3, true, head()...)
	if a := p.answer(3); a.Body != "whole" {
		t.Fatalf("got %+v", a)
	}
	down := make(chan error, 1)
	go func() { down <- s.Shutdown(t.Context()) }()
	if f, ok := p.next().(*http2.GoAwayFrame); !ok || f.LastStreamID != 1<<31-1 || f.ErrCode != http2.ErrCodeNo {
		t.Fatalf("the first is %v", f)
	}
	ping := p.next().(*http2.PingFrame)
	p.open(5, true, head()...)
	must(t, p.fr.WritePing(true, ping.Data))
	var last *http2.GoAwayFrame
	var a answer
	for last == nil || !a.Ended {
		f := p.next()
		if g, ok := f.(*http2.GoAwayFrame); ok {
			last = g
		}
		a.add(f, 5)
	}
	if last.LastStreamID != 5 || a.Body != "whole" {
		t.Errorf("the last is %v, and its answer %+v", last, a)
	}
	p.open(7, true, head()...) // is not served
	close(release)
	if a := p.answer(1); a.Body != "whole" {
		t.Errorf("what was under way: %+v", a)
	}
	if a := p.answer(7); !a.Dropped {
		t.Errorf("what came too late: %+v", a)
	}
	<-p.over
	if err := <-down; err != nil {
		t.Error(err)
	}
	late := call(t, s) // is told at once
	late.raw(http2.ClientPreface)
	must(t, late.fr.WriteSettings())
	if a := late.answer(1); a.GoAway != http2.ErrCodeNo.String() {
		t.Errorf("one who comes late: %+v", a)
	}
}

func TestShutdownGivesUpInTime(t *testing.T) {
	s := h2.New(h2.Config{Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })})
	p := call(t, s)
	p.greet()
	p.open(1, true, head()...)
	p.settle()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if err := s.Shutdown(ctx); err == nil {
		t.Error("it has not waited for a request")
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	<-p.over
	refused := call(t, s)
	if _, err := refused.fr.ReadFrame(); err == nil {
		t.Error("a closed server serves")
	}
}

// A handler may have the connection end, for those who have no business here.
func TestConnectionCloseEndsTheConnection(t *testing.T) {
	p := connect(t, h2.Config{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Connection", "close")
		w.WriteHeader(http.StatusUnauthorized)
	})})
	p.open(1, true, head()...)
	a := p.answer(1)
	if a.status() != "401" || strings.Contains(a.Heads[0], "connection") {
		t.Errorf("got %+v", a)
	}
	if a = p.answer(3); a.GoAway != http2.ErrCodeNo.String() {
		t.Errorf("then %+v", a)
	}
	<-p.over
}

func TestTheContextOfTheConnectionEndsIt(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	c, err := net.Dial("tcp", l.Addr().String())
	must(t, err)
	defer c.Close()
	other, err := l.Accept()
	must(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	h2.New(h2.Config{}).ServeConn(ctx, other, nil) // returns
}

// pipe is a connection without buffers, on whose time a test decides.
func pipe(t *testing.T, cfg h2.Config) (*peer, func() []http2.Frame) {
	c, other := net.Pipe()
	p := attach(t, h2.New(cfg), c, other)
	_ = c.SetDeadline(time.Time{})
	var mu sync.Mutex
	var frames []http2.Frame
	go func() {
		for {
			f, err := p.fr.ReadFrame()
			if err != nil {
				return
			}
			mu.Lock()
			frames = append(frames, f)
			mu.Unlock()
		}
	}()
	return p, func() []http2.Frame {
		synctest.Wait()
		mu.Lock()
		defer mu.Unlock()
		return frames
	}
}

func TestIdleConnectionsAreEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		p, frames := pipe(t, h2.Config{IdleTimeout: time.Minute, Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release })})
		p.raw(http2.ClientPreface)
		_ = p.fr.WriteSettings()
		p.open(1, true, head()...)
		time.Sleep(time.Hour) // one with a request is not idle
		for _, f := range frames() {
			if f, ok := f.(*http2.GoAwayFrame); ok {
				t.Fatalf("a connection with a request is ended: %v", f)
			}
		}
		close(release)
		time.Sleep(50 * time.Second)
		select {
		case <-p.over:
			t.Error("it is ended too early")
		default:
		}
		time.Sleep(12 * time.Second)
		<-p.over
		got := frames()
		if f, ok := got[len(got)-1].(*http2.GoAwayFrame); !ok || f.ErrCode != http2.ErrCodeNo || f.LastStreamID != 1 {
			t.Errorf("the last frame is %v", got[len(got)-1])
		}
	})
}

func TestClientsThatDoNotBeginAreLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, _ := pipe(t, h2.Config{PrefaceTimeout: 5 * time.Second})
		p.raw(http2.ClientPreface[:10])
		time.Sleep(6 * time.Second)
		<-p.over
	})
}

// A client that takes no byte is left, and the handler that writes with it.
func TestClientsThatTakeNothingAreLeft(t *testing.T) {
	for name, deadline := range map[string]bool{"the connection's time": false, "the answer's time": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cfg := h2.Config{WriteTimeout: time.Minute}
				if deadline {
					cfg.WriteTimeout = 0
				}
				ended := make(chan error, 1)
				cfg.Handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
					if deadline {
						_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(time.Minute))
					}
					_, err := w.Write(make([]byte, 60<<10))
					ended <- err
				})
				c, other := net.Pipe()
				p := attach(t, h2.New(cfg), c, other)
				go func() {
					p.raw(http2.ClientPreface)
					_ = p.fr.WriteSettings()
				}()
				for range 3 { // SETTINGS, WINDOW_UPDATE, ACK
					_ = p.next()
				}
				synctest.Wait() // nobody writes any more: the handler will itself
				p.open(1, true, head()...)
				time.Sleep(50 * time.Second)
				select {
				case err := <-ended:
					t.Errorf("it ended at once: %v", err)
				default:
				}
				time.Sleep(2 * time.Minute)
				<-ended
				<-p.over
			})
		})
	}
}

func TestPanicsAreLogged(t *testing.T) {
	var text strings.Builder
	var mu sync.Mutex
	p := connect(t, h2.Config{
		ErrorLog: log.New(writerFunc(func(b []byte) (int, error) { mu.Lock(); defer mu.Unlock(); return text.Write(b) }), "", 0),
		Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/abort" {
				panic(http.ErrAbortHandler)
			}
			panic("the reason")
		}),
	})
	for i, path := range []string{"/abort", "/panic"} {
		id := uint32(2*i + 1)
		p.open(id, true, head(":path", path)...)
		if a := p.answer(id); a.Reset != http2.ErrCodeInternal.String() {
			t.Errorf("%s: got %+v", path, a)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	if got := text.String(); strings.Count(got, "panic serving") != 1 || !strings.Contains(got, "the reason") || !strings.Contains(got, "end_test.go") {
		t.Errorf("logged: %q", got)
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }

// What a handler leaves running may still touch its request and its answer.
func TestHandlersMayLeaveTheirAnswerToOthers(t *testing.T) {
	wrote := make(chan error, 1)
	var others sync.WaitGroup
	p := connect(t, h2.Config{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		others.Go(func() {
			<-r.Context().Done()
			_ = r.Header.Get("X")
			_, err := w.Write([]byte("late"))
			wrote <- err
		})
	})})
	p.open(1, true, head("x", "y")...)
	if a := p.answer(1); a.Body != "" || !a.Ended {
		t.Errorf("got %+v", a)
	}
	if err := <-wrote; err == nil {
		t.Error("it was taken")
	}
	others.Wait()
}

// Handlers of streams that were reset count as long as they run.
func TestHandlersAreBoundedWhateverIsReset(t *testing.T) {
	const most = 4
	for name, end := range map[string]func(*peer, uint32){
		"the client resets (CVE-2023-44487)": func(p *peer, id uint32) { _ = p.fr.WriteRSTStream(id, http2.ErrCodeCancel) },
		"the server has to (CVE-2025-8671)":  func(p *peer, id uint32) { _ = p.fr.WriteWindowUpdate(id, 1<<31-1) },
	} {
		t.Run(name, func(t *testing.T) {
			var running, highest, begun atomic.Int64
			release := make(chan struct{})
			p := connect(t, h2.Config{MaxStreams: most, Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
				begun.Add(1)
				n := running.Add(1)
				defer running.Add(-1)
				for old := highest.Load(); n > old && !highest.CompareAndSwap(old, n); old = highest.Load() {
				}
				<-release // however little anybody wants it
			})})
			defer close(release)
			for id := uint32(1); id < 1000; id += 2 {
				p.open(id, true, head()...)
				end(p, id)
			}
			if a := p.answer(1001); a.GoAway != http2.ErrCodeEnhanceYourCalm.String() && !a.Dropped {
				t.Errorf("got %+v, want the connection ended", a)
			}
			<-p.over
			if n := highest.Load(); n > most {
				t.Errorf("%d handlers ran at a time, want %d", n, most)
			}
		})
	}
}

// Streams wait for handlers of others that were reset, and are served then.
func TestStreamsWaitForHandlersThatStillRun(t *testing.T) {
	release := make(chan struct{})
	p := connect(t, h2.Config{MaxStreams: 2, Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/wait" {
			<-release
		}
	})})
	for id := uint32(1); id <= 3; id += 2 {
		p.open(id, true, head(":path", "/wait")...)
		_ = p.fr.WriteRSTStream(id, http2.ErrCodeCancel)
	}
	p.open(5, true, head()...)
	p.open(7, true, head()...)
	p.open(9, true, head()...)
	if a := p.answer(9); a.Reset != http2.ErrCodeRefusedStream.String() {
		t.Errorf("one too many: %+v", a)
	}
	close(release)
	var five, seven answer
	for !five.Ended || !seven.Ended {
		f := p.next()
		five.add(f, 5)
		seven.add(f, 7)
	}
}

// Frames that do nothing but cost are endured up to a rate.
func TestFloodsEndTheConnection(t *testing.T) {
	for _, tt := range []struct {
		name string
		send func(*peer, int)
	}{
		{"PING (CVE-2019-9512)", func(p *peer, _ int) { _ = p.fr.WritePing(false, [8]byte{}) }},
		{"SETTINGS (CVE-2019-9515)", func(p *peer, _ int) { _ = p.fr.WriteSettings() }},
		{"empty DATA (CVE-2019-9518)", func(p *peer, _ int) { _ = p.fr.WriteData(1, false, nil) }},
		{"PRIORITY", func(p *peer, i int) { _ = p.fr.WritePriority(uint32(2*i+1), http2.PriorityParam{}) }},
		{"RST_STREAM", func(p *peer, _ int) { _ = p.fr.WriteRSTStream(3, http2.ErrCodeCancel) }},
		{"malformed requests", func(p *peer, i int) { p.open(uint32(2*i+5), true, "x", "y") }},
		{"CONTINUATION (CVE-2024-27316)", func(p *peer, i int) {
			if i == 0 {
				_ = p.fr.WriteHeaders(http2.HeadersFrameParam{StreamID: 5})
			}
			_ = p.fr.WriteContinuation(5, false, nil)
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := connect(t, h2.Config{MaxStreams: 1 << 20, MaxHeaderBytes: 64 << 10, Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })})
			p.open(1, false, head(":method", "POST")...)
			p.open(3, true, head()...)
			var sent sync.WaitGroup
			sent.Go(func() {
				for i := range 30000 {
					tt.send(p, i)
				}
			})
			a := p.answer(1) // whose last word may be lost, when the client has no ear for it
			if a.GoAway != http2.ErrCodeEnhanceYourCalm.String() && !a.Dropped {
				t.Errorf("got %+v", a)
			}
			p.c.Close()
			sent.Wait()
		})
	}
}
