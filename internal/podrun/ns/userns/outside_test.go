//go:build linux

package userns_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/causeway-access/causeway/internal/podrun/ns/userns"
	"github.com/causeway-access/causeway/test/refusing"
)

// wayOut is a way out whose other end serve serves, until the end of the test
// or of its context.
func wayOut(t *testing.T) (out *userns.Outside, serve func(context.Context)) {
	t.Helper()
	outside, inside, err := userns.Sockets()
	if err != nil {
		t.Fatal(err)
	}
	if out, err = userns.NewOutside(inside); err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	t.Cleanup(func() { out.Close(); serving.Wait() })
	return out, func(ctx context.Context) {
		serving.Go(func() {
			if err := userns.ServeOutside(ctx, outside); err != nil {
				t.Errorf("serving: %v", err)
			}
		})
	}
}

// echoing is a server that echoes; ended gets one for each of its connections.
func echoing(t *testing.T) (address string, ended chan struct{}) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended = make(chan struct{}, 100)
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				_, _ = io.Copy(c, c)
				c.Close()
				ended <- struct{}{}
			})
		}
	})
	t.Cleanup(func() { l.Close(); all.Wait() })
	return l.Addr().String(), ended
}

// echoes asks over a connection, and reads what comes back.
func echoes(c net.Conn, text string) error {
	if _, err := io.WriteString(c, text); err != nil {
		return err
	}
	got := make([]byte, len(text))
	if _, err := io.ReadFull(c, got); err != nil || string(got) != text {
		return fmt.Errorf("got %q, %w; want %q", got, err, text)
	}
	return nil
}

// Many dial at once; each has its own connection, and has it still when the
// process that made it is gone.
func TestConnectionsAreMadeOutside(t *testing.T) {
	address, _ := echoing(t)
	out, serve := wayOut(t)
	ctx, end := context.WithCancel(t.Context())
	serve(ctx)
	conns := make([]net.Conn, 20)
	var all sync.WaitGroup
	for i := range conns {
		all.Go(func() {
			c, err := out.Dial(t.Context(), "tcp", address)
			if err == nil {
				conns[i], err = c, echoes(c, fmt.Sprint("first ", i))
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	end()
	<-out.Ended()
	for i, c := range conns {
		if c == nil {
			continue
		}
		if err := echoes(c, fmt.Sprint("then ", i)); err != nil {
			t.Error(err)
		}
		c.Close()
	}
	if _, err := out.Dial(t.Context(), "tcp", address); err == nil || !strings.Contains(err.Error(), "has ended") {
		t.Errorf("when nobody is outside any more: %v", err)
	}
}

func TestWhatCannotBeDialledOutsideIsSaid(t *testing.T) {
	out, serve := wayOut(t)
	serve(t.Context())
	for _, tt := range []struct{ network, address, want string }{
		{"tcp", refusing.Address(t, "127.0.0.1").String(), "connection refused"},
		{"tcp", "127.0.0.1", "missing port"},
		{"pigeon", "127.0.0.1:1", "unknown network pigeon"},
		{"unix", t.TempDir() + "/nobody", "no such file"},
	} {
		c, err := out.Dial(t.Context(), tt.network, tt.address)
		if err == nil {
			c.Close()
		}
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s %s: %v, want %q", tt.network, tt.address, err, tt.want)
		}
	}
}

// Who gives up has an answer at once; a connection that comes later is closed.
func TestConnectionsThatNobodyWantsAreClosed(t *testing.T) {
	address, ended := echoing(t)
	out, serve := wayOut(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := out.Dial(ctx, "tcp", address); !errors.Is(err, context.Canceled) {
		t.Errorf("who gives up gets %v", err)
	}
	serve(t.Context())
	<-ended // of the connection that was asked for
	c, err := out.Dial(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := echoes(c, "the next one"); err != nil {
		t.Error(err)
	}
}

// What listens outside is spoken to there and accepted here, also when the
// process that made it is gone; its port is free when it is closed here.
func TestPortsAreOpenedOutside(t *testing.T) {
	out, serve := wayOut(t)
	ctx, end := context.WithCancel(t.Context())
	serve(ctx)
	l, err := out.Listen(t.Context(), "tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	packets, err := out.ListenPacket(t.Context(), "udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer packets.Close()
	_, err = out.Listen(t.Context(), "tcp4", l.Addr().String())
	if err == nil || !strings.Contains(err.Error(), "address already in use") {
		t.Errorf("a port that somebody has: %v", err)
	}
	for _, w := range []struct{ network, address, want string }{
		{"tcp4", "127.0.0.1", "missing port"}, {"unix", t.TempDir() + "/x", "cannot be passed on"},
	} {
		if l, err := out.Listen(t.Context(), w.network, w.address); err == nil || !strings.Contains(err.Error(), w.want) {
			t.Errorf("%s %s: %v, %v, want %q", w.network, w.address, l, err, w.want)
		}
	}
	end()
	<-out.Ended()
	var serving sync.WaitGroup
	serving.Go(func() {
		c, err := l.Accept()
		if err != nil {
			t.Error(err)
			return
		}
		_, _ = io.Copy(c, c)
		c.Close()
	})
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if err := echoes(c, "hello"); err != nil {
		t.Error(err)
	}
	c.Close()
	serving.Wait()
	from, err := net.Dial("udp", packets.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	if _, err := io.WriteString(from, "hello"); err != nil {
		t.Error(err)
	}
	text := make([]byte, 10)
	if n, _, err := packets.ReadFrom(text); err != nil || string(text[:n]) != "hello" {
		t.Errorf("the packet is %q, %v", text[:n], err)
	}
	l.Close()
	again, err := net.Listen("tcp4", l.Addr().String())
	if err != nil {
		t.Errorf("its port is not free: %v", err)
	} else {
		again.Close()
	}
}

// deaf is an address to which nobody gets a connection, and waits: the queue of who
// listens there is full.
func deaf(t *testing.T) (address string, waiting func() int) {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Close(fd) })
	if err = syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err == nil {
		err = syscall.Listen(fd, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	port := name.(*syscall.SockaddrInet4).Port
	address = fmt.Sprintf("127.0.0.1:%d", port)
	first, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { first.Close() })
	const synSent = "02"
	towards := fmt.Sprintf(" 0100007F:%04X %s ", port, synSent)
	return address, func() int {
		list, err := os.ReadFile("/proc/net/tcp")
		if err != nil {
			t.Error(err)
		}
		return strings.Count(string(list), towards)
	}
}

// Dials that get no answer are in the way of others that do, but not of who listens.
func TestNobodyWhoListensWaitsForDials(t *testing.T) {
	address, waiting := deaf(t)
	out, serve := wayOut(t)
	ctx, end := context.WithCancel(t.Context())
	serve(ctx)
	var dials sync.WaitGroup
	t.Cleanup(dials.Wait)
	t.Cleanup(end)
	for range 300 {
		dials.Go(func() {
			if c, err := out.Dial(ctx, "tcp", address); err == nil {
				c.Close()
			}
		})
	}
	const most = 256
	for patience := time.Now().Add(20 * time.Second); waiting() < most; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(patience) {
			t.Fatalf("%d dials are under way, not %d", waiting(), most)
		}
	}
	soon, cancel := context.WithTimeout(ctx, 10*time.Second) // a dial takes longer
	defer cancel()
	l, err := out.Listen(soon, "tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	if n := waiting(); n != most {
		t.Errorf("%d dials are under way, not %d", n, most)
	}
}
