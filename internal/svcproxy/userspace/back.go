package userspace

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/causeway-access/causeway/internal/svcproxy"
)

// errBack is why an endpoint is not dialled.
var errBack = errors.New("it is a service's address, or a port of this node that leads to a service or a pod: what is sent there would come back here")

// backAgain is how long nothing is said of such endpoints after one was told of.
const backAgain = time.Minute

// dial dials an endpoint, unless the proxy itself listens there. Whoever writes
// EndpointSlices could have a relay dial itself until it has no more files.
// Kubernetes does not lead to endpoints that are cluster IPs either.
func (p *Proxy) dial(ctx context.Context, network string, e netip.AddrPort) (net.Conn, error) {
	if p.listensAt(corev1.Protocol(strings.ToUpper(network)), e) {
		if last, now := p.back.Load(), time.Now().UnixNano(); now-last >= int64(backAgain) && p.back.CompareAndSwap(last, now) {
			p.log.Warn("An endpoint of a service is not dialled", "endpoint", e, "error", errBack)
		}
		return nil, fmt.Errorf("dialling %s: %w", e, errBack)
	}
	return p.cfg.Dial(ctx, network, e.String())
}

// listensAt reports whether a port of the proxy is at an address.
func (p *Proxy) listensAt(protocol corev1.Protocol, at netip.AddrPort) bool {
	if _, is := p.listening.Load(svcproxy.Key{Protocol: protocol, Addr: at}); is {
		return true
	}
	everywhere := svcproxy.Key{Protocol: protocol, Addr: netip.AddrPortFrom(netip.IPv4Unspecified(), at.Port())}
	_, is := p.listening.Load(everywhere)
	return is && p.ofNode(at.Addr())
}

// ofNode reports whether an address is one of the node's. Those of this process'
// network are not where the node's ports are opened elsewhere: there is another
// program at the same port of theirs.
func (p *Proxy) ofNode(a netip.Addr) bool {
	if slices.Contains(p.cfg.Addresses, a) {
		return true
	}
	if p.cfg.NodeListen != nil {
		return false
	}
	list, err := net.InterfaceAddrs()
	return err == nil && slices.ContainsFunc(list, func(own net.Addr) bool {
		prefix, err := netip.ParsePrefix(own.String())
		return err == nil && prefix.Addr() == a
	})
}
