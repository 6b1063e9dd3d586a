package gateway_test

import (
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/causeway-access/causeway/internal/gateway"
	"github.com/causeway-access/causeway/test/leak"
)

func TestMain(m *testing.M) {
	// The fake clientset's watches and klog live as long as the process.
	leak.Main(m,
		goleak.IgnoreTopFunction("k8s.io/klog/v2.(*flushDaemon).run.func1"),
		goleak.IgnoreAnyFunction("net/http.(*persistConn).readLoop"), goleak.IgnoreAnyFunction("net/http.(*persistConn).writeLoop"),
	)
}

// A story: the gateway is drained while a request and an upgraded connection
// are under way.
func TestDrain(t *testing.T) {
	release := make(chan struct{})
	slow := backend(t, func(w http.ResponseWriter, _ *http.Request) { <-release; io.WriteString(w, "done") })
	streaming := raw(t, func(c net.Conn, _ *http.Request) {
		io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
		io.Copy(c, c)
	})
	w := newWorld(t, nil, append(service("web", slow), service("ws", streaming)...)...)
	if err := w.gateway.Drain(t.Context()); err != nil {
		t.Fatalf("idle: %v", err)
	}

	answered := make(chan string)
	go func() { _, body := w.do("GET", web+"/", nil); answered <- body }()
	_, in := w.connect(strings.ReplaceAll(upgrade, "/web/", "/ws/"))
	if resp, err := http.ReadResponse(in, nil); err != nil || resp.StatusCode != 101 {
		t.Fatalf("got %v, %v", resp, err)
	}
	waitFor(t, func() bool {
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(errors.New("only asking"))
		err := w.gateway.Drain(ctx)
		return err != nil && strings.Contains(err.Error(), " requests still under way: only asking")
	})
	// That Drain gave up: upgraded connections are broken off, requests are not.
	if _, err := in.ReadByte(); err == nil {
		t.Error("the upgraded connection outlived the drain")
	}
	close(release)
	if got := <-answered; got != "done" {
		t.Errorf("the request under way got %q", got)
	}
	if err := w.gateway.Drain(t.Context()); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

// A page, compressed, comes out with its links changed.
func TestPageIsRewritten(t *testing.T) {
	b := backend(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		io.WriteString(z, `<html><a href="/login">`)
		z.Close()
	})
	w := newWorld(t, nil, service("web", b)...)
	resp, body := w.do("GET", web+"/", nil, "Accept-Encoding", "gzip")
	z, err := gzip.NewReader(strings.NewReader(body))
	if err != nil {
		t.Fatalf("%s %q: %v", resp.Status, body, err)
	}
	if got, err := io.ReadAll(z); err != nil || string(got) != `<html><a href="`+web+`/login">` {
		t.Errorf("got %q, %v", got, err)
	}
}

// Event streams arrive as they are sent.
func TestEventsAreNotHeldBack(t *testing.T) {
	next := make(chan struct{})
	b := backend(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for range 3 {
			io.WriteString(w, "data: x\n\n")
			w.(http.Flusher).Flush()
			<-next
		}
	})
	w := newWorld(t, nil, service("web", b)...)
	_, in := w.connect("GET " + web + "/ HTTP/1.1\nHost: h\nAuthorization: Bearer alice-token\n\n")
	resp, err := http.ReadResponse(in, nil)
	if err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, len("data: x\n\n"))
	for range 3 {
		if _, err := io.ReadFull(resp.Body, buf); err != nil || string(buf) != "data: x\n\n" {
			t.Fatalf("got %q, %v", buf, err)
		}
		next <- struct{}{}
	}
}

// A client that goes away takes its request to the backend with it.
func TestAbandonedRequestEnds(t *testing.T) {
	begun, ended := make(chan struct{}), make(chan struct{})
	b := backend(t, func(_ http.ResponseWriter, r *http.Request) {
		close(begun)
		<-r.Context().Done()
		close(ended)
	})
	w := newWorld(t, nil, service("web", b)...)
	c, _ := w.connect("GET " + web + "/ HTTP/1.1\nHost: h\nAuthorization: Bearer alice-token\n\n")
	<-begun
	c.Close()
	select {
	case <-ended:
	case <-time.After(time.Minute):
		t.Error("the backend still works for nobody")
	}
}

func TestConfigIsChecked(t *testing.T) {
	if _, err := gateway.New(gateway.Config{}); err == nil {
		t.Error("a gateway without an authenticator was made")
	}
}
