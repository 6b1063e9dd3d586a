package h2_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"github.com/causeway-access/causeway/internal/engine/h2"
)

// upTo reads frames until n bytes of data have come on all streams together,
// and counts them by stream.
func (p *peer) upTo(n int) map[uint32]int {
	p.t.Helper()
	got := map[uint32]int{}
	for n > 0 {
		if f, ok := p.next().(*http2.DataFrame); ok {
			got[f.StreamID] += len(f.Data())
			n -= len(f.Data())
		}
	}
	if n < 0 {
		p.t.Errorf("%d bytes too many", -n)
	}
	return got
}

// settle waits until all that the server had to write so far has come, and
// returns how much of it was data.
func (p *peer) settle() int {
	p.t.Helper()
	_ = p.fr.WritePing(false, [8]byte{1, 2})
	n := 0
	for {
		switch f := p.next().(type) {
		case *http2.DataFrame:
			n += len(f.Data())
		case *http2.PingFrame:
			if f.IsAck() {
				return n
			}
		}
	}
}

func long(n int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, strings.Repeat("x", n)) }
}

func TestStreamsKeepToTheirWindows(t *testing.T) {
	p := call(t, h2.New(h2.Config{Handler: long(1000)}))
	p.greet(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 300})
	p.open(1, true, head()...)
	p.upTo(300)
	// 300 are under way: a window of 100 is one of -200 now.
	must(t, p.fr.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 100}))
	must(t, p.fr.WriteWindowUpdate(1, 200))
	if n := p.settle(); n != 0 {
		t.Errorf("%d bytes came although the window was not above nothing", n)
	}
	must(t, p.fr.WriteWindowUpdate(1, 50))
	p.upTo(50)
	must(t, p.fr.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 400}))
	p.upTo(300)
	must(t, p.fr.WriteWindowUpdate(1, 1<<20))
	if a := p.answer(1); !a.Ended || len(a.Body) != 350 {
		t.Errorf("got %+v, want its end", a)
	}
}

// A stream that the client does not read keeps no other from going on, and the
// connection's window goes round.
func TestStreamsShareTheConnectionsWindow(t *testing.T) {
	p := call(t, h2.New(h2.Config{Handler: long(1 << 20)}))
	p.greet(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1 << 20})
	for id := uint32(1); id <= 5; id += 2 {
		p.open(id, true, head()...)
	}
	p.upTo(65535)
	if n := p.settle(); n != 0 {
		t.Errorf("%d bytes came beyond the connection's window", n)
	}
	must(t, p.fr.WriteWindowUpdate(0, 3<<20))
	for id, n := range p.upTo(3<<20 - 65535) {
		if n < 1<<20-65535 {
			t.Errorf("stream %d got %d bytes", id, n)
		}
	}
}

// All that a client sends is given back, whatever becomes of it: read, not
// read, or padding.
func TestClientsGetTheirWindowsBack(t *testing.T) {
	const buffer, part = 64 << 10, 10 << 10
	p := connect(t, h2.Config{StreamBuffer: buffer, ConnBuffer: buffer, Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/read":
			_, _ = io.Copy(io.Discard, r.Body)
		case "/leave": // when there is something to be left
			_, _ = r.Body.Read(make([]byte, 1))
		case "/close":
			_ = r.Body.Close()
			<-r.Context().Done()
		}
	})})
	sent := 0
	send := func(id uint32, end bool) {
		for sent+part+201 > initial+p.given[0] {
			p.next()
		}
		sent += part + 201
		must(t, p.fr.WriteDataPadded(id, end, make([]byte, part), make([]byte, 200)))
	}
	id := uint32(1)
	for range 4 {
		for _, path := range []string{"/read", "/leave", "/close", "/read"} {
			p.open(id, false, head(":method", "POST", ":path", path)...)
			send(id, false)
			send(id, false)
			if path == "/close" {
				must(t, p.fr.WriteRSTStream(id, http2.ErrCodeCancel))
			} else if send(id, true); path == "/read" {
				if a := p.answer(id); a.status() != "200" {
					t.Fatalf("got %+v", a)
				}
			}
			id += 2
		}
	}
	p.open(id, false, head(":method", "POST", ":path", "/read")...)
	for ofStream := 0; ofStream < 1<<20; ofStream += part + 201 {
		for ofStream+part+201 > buffer+p.given[id] {
			p.next()
		}
		send(id, false)
	}
}

// initial is the connection's window before it is widened.
const initial = 65535

// A handler that waits for the client's window is let go when nobody will
// widen it any more.
func TestHandlersThatWaitForAWindowAreLetGo(t *testing.T) {
	const window = 65535 // of every stream at its beginning
	for _, tt := range []struct {
		name string
		end  func(*peer)
		want error
	}{
		{"the client resets the stream", func(p *peer) { _ = p.fr.WriteRSTStream(1, http2.ErrCodeCancel) }, nil},
		{"the client leaves", func(p *peer) { p.c.Close() }, nil},
		{"the client makes a mistake", func(p *peer) {
			_ = p.fr.WritePing(false, [8]byte{})
			p.raw("\x00\x00\x01\x06")
			p.raw("\x00\x00\x00\x00\x01x")
		}, nil},
		{"its time is over", func(p *peer) {}, os.ErrDeadlineExceeded},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ended := make(chan error, 1)
			p := call(t, h2.New(h2.Config{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, _ = w.Write(make([]byte, window))
				control := http.NewResponseController(w)
				_ = control.Flush()
				if tt.want != nil {
					_ = control.SetWriteDeadline(time.Now().Add(100 * time.Millisecond))
				}
				_, err := w.Write(make([]byte, 1<<20))
				<-r.Context().Done()
				ended <- err
			})}))
			p.greet()
			p.open(1, true, head()...)
			p.upTo(window)
			tt.end(p)
			if err := <-ended; err == nil || tt.want != nil && !errors.Is(err, tt.want) {
				t.Errorf("the write returned %v, want %v", err, tt.want)
			}
		})
	}
}

func TestDeadlines(t *testing.T) {
	p := connect(t, h2.Config{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		control := http.NewResponseController(w)
		if r.URL.Path == "/write" {
			_ = control.SetWriteDeadline(time.Now().Add(-time.Second))
			if _, err := w.Write(make([]byte, 1<<20)); !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("writing: %v", err)
			}
			return
		}
		_ = control.SetReadDeadline(time.Now().Add(time.Hour))
		_ = control.SetReadDeadline(time.Time{})
		_ = control.SetReadDeadline(time.Now().Add(10 * time.Millisecond))
		if _, err := r.Body.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("reading: %v", err)
		}
		_, _ = io.WriteString(w, "late")
	})})
	p.open(1, false, head(":method", "POST")...)
	if a := p.answer(1); a.Body != "late" {
		t.Errorf("reading: got %+v", a)
	}
	p.open(3, true, head(":path", "/write")...)
	if a := p.answer(3); a.Reset != http2.ErrCodeInternal.String() {
		t.Errorf("writing: got %+v", a)
	}
}

// The client's body is asked for when it is read, and not otherwise.
func TestContinueIsSentWhenTheBodyIsRead(t *testing.T) {
	read := make(chan struct{})
	p := connect(t, h2.Config{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusEarlyHints)
		<-read
		echo(w, r)
	})})
	p.open(1, false, head(":method", "POST", "expect", "100-continue")...)
	var got []string
	for len(got) < 2 {
		if f, ok := p.next().(*http2.MetaHeadersFrame); ok {
			got = append(got, f.PseudoValue("status"))
			if len(got) == 1 {
				close(read)
			}
		}
	}
	if got[0] != "103" || got[1] != "100" {
		t.Errorf("got %v", got)
	}
	must(t, p.fr.WriteData(1, true, []byte("body")))
	if a := p.answer(1); a.Body != "body" {
		t.Errorf("got %+v", a)
	}
}

// An answer that ends before its request tells the client to send no more, and
// is whole.
func TestAnswersMayEndBeforeTheirRequests(t *testing.T) {
	ctx := make(chan context.Context, 1)
	p := connect(t, h2.Config{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx <- r.Context()
		_, _ = io.WriteString(w, "enough")
	})})
	p.open(1, false, head(":method", "POST")...)
	a := p.answer(1)
	if a.Body != "enough" || !a.Ended {
		t.Errorf("got %+v", a)
	}
	if f, ok := p.next().(*http2.RSTStreamFrame); !ok || f.ErrCode != http2.ErrCodeNo {
		t.Errorf("then %v", f)
	}
	<-(<-ctx).Done()
}
