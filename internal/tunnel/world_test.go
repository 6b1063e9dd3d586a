package tunnel

import (
	"context"
	"crypto/tls"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/causeway-access/causeway/internal/conn"
	"github.com/causeway-access/causeway/test/leak"
)

// patience bounds what must happen, on a machine that has much to do.
const patience = time.Minute

func TestMain(m *testing.M) { leak.Main(m) }

// world is a server with a hub and a node's client, which opens whatever it is
// asked for but what is called forbidden.
type world struct {
	hub    *Hub
	server *httptest.Server
	client *Client
	// accepted is sent each connection that the server takes, to be broken.
	accepted chan net.Conn
	end      func()
}

const nodeName = "worker"

// newWorld opens a tunnel. The node dials by dial, plainly if that is nil.
func newWorld(t *testing.T, pings Pings, dial conn.DialFunc) *world {
	t.Helper()
	w := &world{hub: &Hub{Pings: pings, Log: slog.New(slog.DiscardHandler)}, accepted: make(chan net.Conn, 64)}
	w.server = httptest.NewUnstartedServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path == Path {
			w.hub.Accept(nodeName, rw, r)
		}
	}))
	w.server.Config.ConnState = func(c net.Conn, s http.ConnState) {
		if s == http.StateNew {
			w.accepted <- c
		}
	}
	w.server.StartTLS()
	w.client = w.newClient(t, pings, dial)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.client.Run(ctx) }()
	w.end = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		w.hub.Close()
		w.server.Close()
	})
	t.Cleanup(w.end)
	until(t, "the tunnel is open", func() bool { return w.hub.Connected(nodeName) })
	return w
}

func (w *world) newClient(t *testing.T, pings Pings, dial conn.DialFunc) *Client {
	t.Helper()
	c, err := NewClient(Config{
		Server: strings.TrimPrefix(w.server.URL, "https://"), Dial: dial, Pings: pings, Log: slog.New(slog.DiscardHandler),
		TLS: func() (*tls.Config, error) { return w.server.Client().Transport.(*http.Transport).TLSClientConfig, nil },
		Open: func(ctx context.Context, network, address string) (net.Conn, error) {
			if strings.HasPrefix(address, "forbidden") {
				return nil, &Refusal{"not to be reached: " + address}
			}
			return (&net.Dialer{}).DialContext(ctx, network, address)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// dial opens a connection through the tunnel.
func (w *world) dial(t *testing.T, address string) net.Conn {
	t.Helper()
	return dialled(t, w.hub.Dialer(nodeName), address)
}

// dialled opens a connection, which ends with the test.
func dialled(t *testing.T, dial conn.DialFunc, address string) net.Conn {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	c, err := dial(ctx, "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// pair returns both ends of a connection through the tunnel: ours, and that at
// a backend.
func (w *world) pair(t *testing.T) (near net.Conn, far *net.TCPConn) {
	t.Helper()
	return pairBy(t, w.hub.Dialer(nodeName))
}

// pairBy returns both ends of a connection to a listener of its own.
func pairBy(t *testing.T, dial conn.DialFunc) (near net.Conn, far *net.TCPConn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	taken := make(chan net.Conn, 1)
	go func() {
		c, _ := l.Accept()
		taken <- c
	}()
	near = dialled(t, dial, l.Addr().String())
	far = (<-taken).(*net.TCPConn)
	t.Cleanup(func() { far.Close() })
	return near, far
}

// until waits for something that happens elsewhere.
func until(t *testing.T, what string, met func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !met(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("after %v it is not so that %s", patience, what)
		}
	}
}

// reads has c give exactly that.
func reads(t *testing.T, c net.Conn, want string) {
	t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(patience))
	got := make([]byte, len(want))
	if _, err := io.ReadFull(c, got); err != nil || string(got) != want {
		t.Fatalf("read %.40q, %v; want %.40q", got, err, want)
	}
}

// ends has c end here, without an error.
func ends(t *testing.T, c net.Conn) {
	t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(patience))
	if n, err := c.Read(make([]byte, 1)); err != io.EOF {
		t.Fatalf("read %d bytes, %v; want the end", n, err)
	}
}

func writes(t *testing.T, c net.Conn, text string) {
	t.Helper()
	_ = c.SetWriteDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
}
