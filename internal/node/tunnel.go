package node

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"

	restclient "k8s.io/client-go/rest"

	"github.com/causeway-access/causeway/internal/conn"
	"github.com/causeway-access/causeway/internal/tunnel"
)

// openTunnel has the node reached through a connection of its own, and waits for
// it: a node that cannot be reached is not ready.
func (a *Agent) openTunnel(ctx context.Context) error {
	if !a.cfg.Tunnelled {
		return nil
	}
	server, err := url.Parse(a.cfg.API.Host)
	if err != nil || server.Host == "" {
		return fmt.Errorf("the API server %q is no URL: %w", a.cfg.API.Host, err)
	}
	own := entrance{node: a.cfg.Name, api: a.listener.Addr().(*net.TCPAddr).AddrPort(), pods: a.podRange}
	a.tunnel, err = tunnel.NewClient(tunnel.Config{
		Server: withPort(server), Dial: a.cfg.API.Dial, Log: a.cfg.Log, Open: own.open,
		TLS: func() (*tls.Config, error) { return restclient.TLSConfigFor(a.cfg.API) },
	})
	if err != nil {
		return err
	}
	running, cancel := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan error, 1)
	go func() { ended <- a.tunnel.Run(running) }()
	a.onClose(func() error { cancel(); return <-ended })
	select {
	case <-a.tunnel.Opened():
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// dialEndpoints dials the endpoints of services for pods: those on this node
// from its own network, others from the machine's. Nil if both are one.
func (a *Agent) dialEndpoints() conn.DialFunc {
	if a.cfg.Outside == nil {
		return nil
	}
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		to, err := netip.ParseAddrPort(address)
		if err == nil && a.podRange.Contains(to.Addr()) {
			return (&net.Dialer{}).DialContext(ctx, network, address)
		}
		return a.cfg.Outside(ctx, network, address)
	}
}

// withPort is HOST:PORT of a URL.
func withPort(u *url.URL) string {
	if u.Port() != "" {
		return u.Host
	}
	return net.JoinHostPort(u.Hostname(), "443")
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
