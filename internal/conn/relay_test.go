package conn_test

import (
	"context"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/causeway-access/causeway/internal/conn"
	"github.com/causeway-access/causeway/test/leak"
)

func TestMain(m *testing.M) { leak.Main(m) }

// pair returns the two ends of a TCP connection.
func pair(t *testing.T) (a, b *net.TCPConn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	s, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close(); s.Close() })
	return c.(*net.TCPConn), s.(*net.TCPConn)
}

func TestRelayPassesHalfCloseAndCounts(t *testing.T) {
	client, a := pair(t)
	b, server := pair(t)
	var sent, received conn.Counter
	done := make(chan error)
	go func() {
		done <- conn.Relay(context.Background(), conn.WithAhead(a, []byte("early ")), b, &sent, &received)
	}()
	go func() {
		got, _ := io.ReadAll(server) // ends by the client's half close
		io.WriteString(server, strings.ToUpper(string(got)))
		server.Close()
	}()
	io.WriteString(client, "late")
	client.CloseWrite()
	got, err := io.ReadAll(client)
	if err != nil || string(got) != "EARLY LATE" {
		t.Errorf("got %q, %v", got, err)
	}
	if err := <-done; err != nil {
		t.Errorf("Relay: %v", err)
	}
	if sent.Load() != 10 || received.Load() != 10 {
		t.Errorf("counted %d and %d bytes, want 10 each", sent.Load(), received.Load())
	}
}

func TestRelayEndsBothSidesWithItsContext(t *testing.T) {
	client, a := pair(t)
	b, server := pair(t)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- conn.Relay(ctx, a, b, nil, nil) }()
	cancel()
	if err := <-done; err != nil {
		t.Errorf("Relay: %v", err)
	}
	for _, c := range []net.Conn{client, server} {
		if _, err := c.Read(make([]byte, 1)); err == nil {
			t.Error("one side is still open")
		}
	}
}

func TestRelayEndsWhenOneSideBreaks(t *testing.T) {
	client, a := pair(t)
	b, server := pair(t)
	done := make(chan error)
	go func() { done <- conn.Relay(context.Background(), a, b, nil, nil) }()
	client.SetLinger(0) // close by reset
	client.Close()
	if err := <-done; err == nil {
		t.Error("Relay took a reset for an end")
	}
	if _, err := server.Read(make([]byte, 1)); err == nil {
		t.Error("the other side is still open")
	}
}

// Much passes as well as little, and either after the other.
func TestRelayPassesMuch(t *testing.T) {
	client, a := pair(t)
	b, server := pair(t)
	done := make(chan error)
	go func() { done <- conn.Relay(context.Background(), a, b, nil, nil) }()
	much := strings.Repeat("0123456789abcdef", 1<<16)
	for _, piece := range []string{"little", much, "little again", much} {
		go io.WriteString(client, piece)
		got := make([]byte, len(piece))
		if _, err := io.ReadFull(server, got); err != nil || string(got) != piece {
			t.Fatalf("%.12s...: got %.12q..., %v", piece, got, err)
		}
	}
	client.Close()
	server.Close()
	<-done
}
