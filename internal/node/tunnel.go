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

	"github.com/causeway-access/causeway/internal/tunnel"
)

// prepareTunnel has the node reached through a connection of its own.
func (a *Agent) prepareTunnel(ctx context.Context) error {
	if !a.cfg.Tunnelled {
		return nil
	}
	server, err := url.Parse(a.cfg.API.Host)
	if err != nil || server.Host == "" {
		return fmt.Errorf("the API server %q is no URL: %w", a.cfg.API.Host, err)
	}
	pods, err := a.node.PodCIDR(ctx)
	if err != nil {
		return err
	}
	own := entrance{node: a.cfg.Name, api: a.listener.Addr().(*net.TCPAddr).AddrPort(), pods: pods.Masked()}
	a.tunnel, err = tunnel.NewClient(tunnel.Config{
		Server: withPort(server), Dial: a.cfg.API.Dial, Log: a.cfg.Log, Open: own.open,
		TLS: func() (*tls.Config, error) { return restclient.TLSConfigFor(a.cfg.API) },
	})
	if err != nil {
		return err
	}
	a.run("the tunnel", a.tunnel.Run)
	return nil
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
