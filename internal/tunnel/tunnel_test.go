package tunnel

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/nettest"

	"github.com/causeway-access/causeway/internal/conn"
	"github.com/causeway-access/causeway/test/refusing"
)

// What holds for every net.Conn holds for these.
func TestConnectionsAreConnections(t *testing.T) {
	w := newWorld(t, Pings{}, nil)
	nettest.TestConn(t, func() (near, far net.Conn, stop func(), err error) {
		near, far = w.pair(t)
		return near, far, func() { near.Close(); far.Close() }, nil
	})
}

func TestEitherSideMayEndFirst(t *testing.T) {
	w := newWorld(t, Pings{}, nil)
	t.Run("ours", func(t *testing.T) {
		near, far := w.pair(t)
		writes(t, near, "question")
		if err := near.(conn.HalfCloser).CloseWrite(); err != nil {
			t.Fatal(err)
		}
		reads(t, far, "question")
		ends(t, far)
		writes(t, far, "answer")
		far.Close()
		reads(t, near, "answer")
		ends(t, near)
	})
	t.Run("the backend's", func(t *testing.T) {
		near, far := w.pair(t)
		writes(t, far, "greeting")
		if err := far.CloseWrite(); err != nil {
			t.Fatal(err)
		}
		reads(t, near, "greeting")
		ends(t, near)
		writes(t, near, "still here")
		reads(t, far, "still here")
		near.Close()
		ends(t, far)
	})
}

// A close does not take back what was written, though much of it is still under
// way when the other side begins to read.
func TestWhatWasWrittenBeforeACloseArrives(t *testing.T) {
	w := newWorld(t, Pings{}, nil)
	data := make([]byte, 8<<20)
	_, _ = rand.Read(data)
	near, far := w.pair(t)
	written := make(chan error, 1)
	go func() {
		_, err := near.Write(data)
		written <- errors.Join(err, near.Close())
	}()
	got, err := io.ReadAll(far)
	if err != nil || !bytes.Equal(got, data) {
		t.Errorf("%d bytes of %d arrived: %v", len(got), len(data), err)
	}
	if err := <-written; err != nil {
		t.Error(err)
	}
}

func TestABackendThatBreaksOffIsNotTakenForAnEnd(t *testing.T) {
	w := newWorld(t, Pings{}, nil)
	near, far := w.pair(t)
	writes(t, far, "half a")
	reads(t, near, "half a")
	if err := far.SetLinger(0); err != nil { // Close sends a reset
		t.Fatal(err)
	}
	far.Close()
	_ = near.SetReadDeadline(time.Now().Add(patience))
	_, err := near.Read(make([]byte, 1))
	if !errors.Is(err, errCut) {
		t.Errorf("read: %v, want one that says it was cut", err)
	}
	// And there is nobody to write to.
	until(t, "writing fails", func() bool {
		_ = near.SetWriteDeadline(time.Now().Add(patience))
		_, err := near.Write([]byte("x"))
		return err != nil && !errors.Is(err, os.ErrDeadlineExceeded)
	})
}

// Connections that nobody reads are in nobody's way, and keep no more than is
// theirs.
func TestASlowConnectionDoesNotStopOthers(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Pings{}, nil)
	const slow = 20
	for range slow {
		_, far := w.pair(t)
		go func() { // until the end of the test: more than its window
			_, _ = io.Copy(far, io.LimitReader(zeros{}, 16<<20))
		}()
	}
	for range slow {
		near, _ := w.pair(t)
		go func() { _, _ = io.Copy(near, io.LimitReader(zeros{}, 16<<20)) }()
	}
	for range 5 {
		near, far := w.pair(t)
		text := strings.Repeat("fast", 1<<17)
		var both sync.WaitGroup
		both.Go(func() { writes(t, near, text) })
		reads(t, far, text)
		both.Go(func() { writes(t, far, text) })
		reads(t, near, text)
		both.Wait()
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

func TestRefusalsAndFailuresAreSaid(t *testing.T) {
	w := newWorld(t, Pings{}, nil)
	for address, want := range map[string]string{
		"forbidden:1": "not to be reached: forbidden:1", refusing.Address(t, "127.0.0.1").String(): "connection refused",
	} {
		_, err := w.hub.Dialer(nodeName)(t.Context(), "tcp", address)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), nodeName) {
			t.Errorf("%s: %v; want node and %q", address, err, want)
		}
	}
	_, err := w.hub.Dialer("other")(t.Context(), "tcp", "10.0.0.1:80")
	if err == nil || !strings.Contains(err.Error(), "other has no tunnel") {
		t.Errorf("through a tunnel that is not there: %v", err)
	}
}

func TestDiallingEndsWithItsContextAndAConnectionDoesNot(t *testing.T) {
	w := newWorld(t, Pings{}, nil)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ctx, cancel := context.WithCancel(t.Context())
	c, err := w.hub.Dialer(nodeName)(ctx, "tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	cancel()
	far, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer far.Close()
	writes(t, c, "still")
	reads(t, far, "still")
	if _, err := w.hub.Dialer(nodeName)(ctx, "tcp", l.Addr().String()); !errors.Is(err, context.Canceled) {
		t.Errorf("dialled with a context that has ended: %v", err)
	}
}

// More connections than a tunnel carries wait for their turn.
func TestATunnelCarriesSoManyConnectionsAndNotMore(t *testing.T) {
	w := newWorld(t, Pings{}, nil)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				_, _ = io.Copy(io.Discard, c)
			}()
		}
	}()
	var all []net.Conn
	for range maxStreams {
		all = append(all, w.dial(t, l.Addr().String()))
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if c, err := w.hub.Dialer(nodeName)(ctx, "tcp", l.Addr().String()); err == nil {
		c.Close()
		t.Error("one more was opened")
	}
	all[0].Close()
	w.dial(t, l.Addr().String())
}

func TestWhoAsksForNoUpgradeIsToldSo(t *testing.T) {
	w := newWorld(t, Pings{}, nil)
	response, err := w.server.Client().Get(w.server.URL + Path)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusUpgradeRequired || response.Header.Get("Upgrade") != protocol {
		t.Errorf("%s, Upgrade: %q", response.Status, response.Header.Get("Upgrade"))
	}
}
