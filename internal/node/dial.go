package node

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"strings"

	"github.com/causeway-access/causeway/internal/tunnel"
)

// prepareDetours prepares the way to pods that this node does not reach itself,
// because their node has a tunnel, or this one: by API servers.
func (a *Agent) prepareDetours(context.Context) error {
	var err error
	a.detours, err = tunnel.NewDetours(tunnel.DetoursConfig{
		Servers: a.detourServers, TLS: a.serverTLS, Dial: a.dialServer, Log: a.cfg.Log,
	})
	if err != nil {
		return err
	}
	a.onClose(func() error { a.detours.Close(); return nil })
	a.nodes.Within = a.cfg.PodRange
	return a.nodes.Follow(a.informers.Core().V1().Nodes().Informer())
}

// detourServers are the addresses by which API servers are dialled, the one that
// the agent speaks to first.
func (a *Agent) detourServers() (list []string) {
	for _, server := range a.servers.Order() {
		if by := a.towards(server); !slices.Contains(list, by) {
			list = append(list, by)
		}
	}
	return list
}

// towards is the address by which an API server is dialled: its own, or that of a
// balancer by which its tunnel has been opened.
func (a *Agent) towards(server string) string {
	if a.tunnel != nil {
		if by := a.tunnel.By(server); by != "" {
			return by
		}
	}
	return server
}

// dialEndpoint dials an endpoint of a service: those on this node, its DNS server
// among them, from the agent's own network, pods behind tunnels by an API server,
// and all else from the machine's network.
func (a *Agent) dialEndpoint(ctx context.Context, network, address string) (net.Conn, error) {
	to, err := netip.ParseAddrPort(address)
	switch {
	case err != nil: // it has a name
	case a.podRange.Contains(to.Addr()), to == a.dns:
		return (&net.Dialer{}).DialContext(ctx, network, address)
	case a.beyond(to.Addr()):
		return a.detours.Dial(ctx, network, address)
	case a.tunnel != nil:
		address = a.towards(address)
	}
	return a.dialServer(ctx, network, address)
}

// beyond tells whether an address is one of pods that this node does not reach
// itself.
func (a *Agent) beyond(pod netip.Addr) bool {
	node, tunnelled := a.nodes.Of(pod)
	switch {
	case node == a.cfg.Name, a.podRange.Contains(pod):
		return false
	case a.cfg.Tunnelled:
		return node != "" || a.cfg.PodRange.IsValid() && a.cfg.PodRange.Contains(pod)
	}
	return tunnelled
}

// detourRanges are the addresses of pods that this node does not reach itself, and
// its own, which it does.
func (a *Agent) detourRanges() []netip.Prefix {
	_, tunnelled := a.nodes.Tunnelled()
	if a.cfg.Tunnelled && a.cfg.PodRange.IsValid() {
		return []netip.Prefix{a.cfg.PodRange}
	}
	return tunnelled
}

// detoursChanged receives when detourRanges may be others.
func (a *Agent) detoursChanged() <-chan struct{} {
	changed := make(chan struct{}, 1)
	a.nodes.OnMove(func(func(netip.Addr) bool) {
		select {
		case changed <- struct{}{}:
		default: // they are to be looked at already
		}
	})
	return changed
}

// missingBeyond says what is not as it would be with routes.
func (a *Agent) missingBeyond() []string {
	if a.cfg.Tunnelled {
		return []string{"pods of other nodes but by TCP, through API servers"}
	}
	if names, _ := a.nodes.Tunnelled(); len(names) > 0 {
		return []string{"pods of nodes that have tunnels (" + strings.Join(names, ", ") + ") but by TCP, through API servers"}
	}
	return nil
}
