package node

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strconv"

	"github.com/causeway-access/causeway/internal/tunnel"
)

// openTunnel has the node reached through connections of its own, one to each
// API server, and waits for the first: a node that cannot be reached is not
// ready.
func (a *Agent) openTunnel(ctx context.Context) error {
	if !a.cfg.Tunnelled {
		return nil
	}
	own := entrance{node: a.cfg.Name, api: a.listener.Addr().(*net.TCPAddr).AddrPort(), pods: a.podRange}
	var err error
	a.tunnel, err = tunnel.NewClients(tunnel.Config{
		Dial: a.dialServer, Log: a.cfg.Log, Open: own.open, TLS: a.serverTLS,
	})
	if err != nil {
		return err
	}
	a.onClose(func() error { a.tunnel.Close(); return nil })
	a.servers.Follow(a.tunnel.Lead)
	select {
	case <-a.tunnel.Opened():
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// entrance is what may be reached through a node's tunnel: the node's API, by
// the node's name, and its pods. All else of the machine is none of the API
// servers' business.
type entrance struct {
	node string
	api  netip.AddrPort
	pods netip.Prefix
}

// open opens a connection to what may be reached.
func (e entrance) open(ctx context.Context, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, &tunnel.Refusal{Why: err.Error()}
	}
	to, err := netip.ParseAddr(host)
	gateway := e.pods.Addr().Next() // the node's own address towards pods
	switch {
	case host == e.node && port == strconv.Itoa(int(e.api.Port())):
		address = e.local()
	case err != nil || !e.pods.Contains(to) || to == e.pods.Addr() || to == gateway:
		return nil, &tunnel.Refusal{Why: fmt.Sprintf("node %s lets nothing reach %s: only its pods, in %s, and its API", e.node, address, e.pods)}
	}
	return (&net.Dialer{}).DialContext(ctx, network, address)
}

// local is where the node's API is, for this process.
func (e entrance) local() string {
	at := e.api.Addr().Unmap()
	switch {
	case at == netip.IPv4Unspecified(), at == netip.IPv6Unspecified():
		at = netip.AddrFrom4([4]byte{127, 0, 0, 1})
	}
	return netip.AddrPortFrom(at, e.api.Port()).String()
}
