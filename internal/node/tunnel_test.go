package node

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strconv"
	"testing"
	"time"

	"github.com/causeway-access/causeway/internal/tunnel"
)

// What is not the node's API or one of its pods is refused before anything is
// dialled.
func TestOnlyTheNodesAPIAndItsPodsAreReachedThroughItsTunnel(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	at := l.Addr().(*net.TCPAddr).AddrPort()
	port := strconv.Itoa(int(at.Port()))
	e := entrance{node: "worker", api: netip.AddrPortFrom(netip.IPv6Unspecified(), at.Port()), pods: netip.MustParsePrefix("10.244.3.0/24")}
	// A context that has ended: nothing is really dialled.
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for address, refused := range map[string]bool{
		"worker:" + port: false, "10.244.3.2:80": false, "10.244.3.255:1": false,
		"worker:22": true, "other:" + port: true, "127.0.0.1:" + port: true, "localhost:" + port: true,
		"10.244.3.0:80": true, "10.244.3.1:80": true, "10.244.4.2:80": true, "192.0.2.1:80": true,
		"[::ffff:10.244.4.2]:80": true, "[::1]:" + port: true, "169.254.169.254:80": true, "nothing": true, "": true,
	} {
		_, err := e.open(ended, "tcp", address)
		if got := errors.As(err, new(*tunnel.Refusal)); got != refused || err == nil {
			t.Errorf("%q: %v; refused = %v, want %v", address, err, got, refused)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	c, err := e.open(ctx, "tcp", "worker:"+port)
	if err != nil {
		t.Fatalf("the node's API: %v", err)
	}
	c.Close()
}
