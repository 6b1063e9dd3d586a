package tunnel

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/nettest"

	"github.com/causeway-access/causeway/internal/conn"
	"github.com/causeway-access/causeway/test/refusing"
)

// relayServer is an API server that joins nodes with whatever they ask for,
// but with what is forbidden, and with what it has no way to.
type relayServer struct {
	relay   *Relay
	http    *httptest.Server
	address string
	end     func()

	mu     sync.Mutex
	asked  []string // by whom, for what
	absent bool
}

func newRelayServer(t *testing.T) *relayServer {
	t.Helper()
	s := &relayServer{relay: &Relay{Log: slog.New(slog.DiscardHandler)}}
	s.relay.Open = func(node string) conn.DialFunc {
		return func(ctx context.Context, network, address string) (net.Conn, error) {
			s.mu.Lock()
			s.asked = append(s.asked, node+" "+address)
			absent := s.absent
			s.mu.Unlock()
			switch {
			case absent:
				return nil, &Absent{"there is no way from here"}
			case strings.HasPrefix(address, "forbidden"):
				return nil, &Refusal{"not to be reached: " + address}
			}
			return (&net.Dialer{}).DialContext(ctx, network, address)
		}
	}
	s.http = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == PodsPath {
			s.relay.Accept(nodeName, w, r)
		}
	}))
	s.address = strings.TrimPrefix(s.http.URL, "https://")
	s.relay.Name = s.address
	s.end = sync.OnceFunc(func() {
		s.http.Close()
		s.relay.Close()
	})
	t.Cleanup(s.end)
	return s
}

func (s *relayServer) questions() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.asked)
}

func newDetours(t *testing.T, servers ...string) *Detours {
	t.Helper()
	d, err := NewDetours(DetoursConfig{
		Servers: func() []string { return servers }, Log: slog.New(slog.DiscardHandler),
		TLS: func() (*tls.Config, error) { return &tls.Config{InsecureSkipVerify: true}, nil }, //nolint:gosec // of this test
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	return d
}

// reach opens a connection to a listener of its own, and returns both ends.
func (d *Detours) reach(t *testing.T) (near net.Conn, far *net.TCPConn) {
	t.Helper()
	return pairBy(t, d.Dial)
}

func TestConnectionsByAnAPIServerAreConnections(t *testing.T) {
	d := newDetours(t, newRelayServer(t).address)
	nettest.TestConn(t, func() (near, far net.Conn, stop func(), err error) {
		near, far = d.reach(t)
		return near, far, func() { near.Close(); far.Close() }, nil
	})
}

func TestEitherSideOfADetourMayEndFirst(t *testing.T) {
	d := newDetours(t, newRelayServer(t).address)
	near, far := d.reach(t)
	data := make([]byte, 4<<20)
	_, _ = rand.Read(data)
	go func() {
		_, _ = near.Write(data)
		_ = near.(conn.HalfCloser).CloseWrite()
	}()
	if got, err := io.ReadAll(far); err != nil || !bytes.Equal(got, data) {
		t.Fatalf("%d bytes of %d arrived: %v", len(got), len(data), err)
	}
	writes(t, far, "answer")
	far.Close()
	reads(t, near, "answer")
	ends(t, near)

	near, far = d.reach(t)
	if err := far.SetLinger(0); err != nil { // Close sends a reset
		t.Fatal(err)
	}
	far.Close()
	breaks(t, near)
}

func TestAnotherAPIServerIsTriedWhereOneHasNoWay(t *testing.T) {
	one, two := newRelayServer(t), newRelayServer(t)
	one.absent = true
	gone := refusing.Address(t, "127.0.0.1").String()
	d := newDetours(t, gone, one.address, two.address)
	near, far := d.reach(t)
	writes(t, near, "by the third")
	reads(t, far, "by the third")
	if one.questions() != 1 || two.questions() != 1 {
		t.Errorf("the second was asked %d times, the third %d times", one.questions(), two.questions())
	}
	if d := cmp.Diff([]string{two.address, gone, one.address}, d.order()); d != "" {
		t.Errorf("the next time they are tried in this order (-want +got):\n%s", d)
	}
}

// A server that dies takes its connections with it, and the next ones go by
// another.
func TestAnotherAPIServerIsTakenWhenOneDies(t *testing.T) {
	one, two := newRelayServer(t), newRelayServer(t)
	d := newDetours(t, one.address, two.address)
	near, far := d.reach(t)
	one.end()
	breaks(t, near)
	_ = far.SetReadDeadline(time.Now().Add(patience))
	if _, err := far.Read(make([]byte, 1)); err == nil || isTimeout(err) {
		t.Errorf("the pod's end: %v, want its end", err)
	}
	near, far = d.reach(t)
	writes(t, near, "by the other")
	reads(t, far, "by the other")
	if two.questions() != 1 {
		t.Errorf("the other was asked %d times", two.questions())
	}
}

// What the pod does not take is not tried again, and what no server may do is
// said by each.
func TestWhyAPodIsNotReachedIsSaid(t *testing.T) {
	one, two := newRelayServer(t), newRelayServer(t)
	d := newDetours(t, one.address, two.address)
	nobody := refusing.Address(t, "127.0.0.1").String()
	if _, err := d.Dial(t.Context(), "tcp", nobody); err == nil || !strings.Contains(err.Error(), "connection refused") {
		t.Errorf("where nobody listens: %v", err)
	}
	if two.questions() != 0 {
		t.Error("the other server was asked for what the pod refused")
	}
	if _, err := d.Dial(t.Context(), "tcp", "forbidden:1"); err == nil || strings.Count(err.Error(), "not to be reached: forbidden:1") != 2 {
		t.Errorf("what is forbidden: %v", err)
	}
	if _, err := d.Dial(t.Context(), "udp", "127.0.0.1:53"); err == nil || !strings.Contains(err.Error(), "only TCP") {
		t.Errorf("UDP: %v", err)
	}
	if _, err := newDetours(t).Dial(t.Context(), "tcp", "127.0.0.1:80"); err == nil {
		t.Error("without any server it is reached")
	}
	d.Close()
	if _, err := d.Dial(t.Context(), "tcp", nobody); !errors.Is(err, net.ErrClosed) {
		t.Errorf("after the end: %v", err)
	}
}

// A server that says nothing holds nobody up for long where there is another.
func TestASilentAPIServerIsPassedBy(t *testing.T) {
	t.Parallel()
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	d := newDetours(t, silent.Addr().String(), newRelayServer(t).address)
	near, far := d.reach(t)
	writes(t, near, "past it")
	reads(t, far, "past it")
}

func TestANodeHasFewConnectionsToARelay(t *testing.T) {
	s := newRelayServer(t)
	ask := question{
		path: PodsPath, protocol: podsProtocol, server: s.address, dial: (&net.Dialer{}).DialContext,
		tls: func() (*tls.Config, error) { return &tls.Config{InsecureSkipVerify: true}, nil }, //nolint:gosec // of this test
	}
	var all []net.Conn
	for range mostRoads {
		c, _, err := ask.send(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		all = append(all, c)
	}
	if _, _, err := ask.send(t.Context()); err == nil || !strings.Contains(err.Error(), "429") {
		t.Errorf("one more: %v", err)
	}
	all[0].Close()
	until(t, "there is room again", func() bool {
		c, _, err := ask.send(t.Context())
		if err == nil {
			c.Close()
		}
		return err == nil
	})
	ask.known = []string{s.relay.Name}
	if _, _, err := ask.send(t.Context()); !errors.Is(err, errAnother) {
		t.Errorf("one that knows the server: %v", err)
	}
}
