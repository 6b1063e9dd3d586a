package node

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"

	corev1 "k8s.io/api/core/v1"

	"github.com/causeway-access/causeway/internal/dns"
	"github.com/causeway-access/causeway/internal/dns/forward"
	"github.com/causeway-access/causeway/internal/node/podspec"
	"github.com/causeway-access/causeway/internal/podrun"
	"github.com/causeway-access/causeway/internal/svcproxy"
)

const (
	// dnsListen is where the node's DNS server listens: for the service proxy
	// alone, which leads pods to it.
	dnsListen = "127.0.0.1:0"
	dnsPort   = 53
)

// prepareDNS prepares a server of the cluster's names on this node, and returns
// the ways from the service's address to it.
func (a *Agent) prepareDNS() ([]*svcproxy.Rule, error) {
	if len(a.cfg.ClusterDNS) == 0 {
		return nil, errors.New("serving DNS takes the address that pods ask")
	}
	sockets, err := dns.Listen(dnsListen)
	if err != nil {
		return nil, err
	}
	a.onClose(func() error {
		if err := sockets.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			return err
		}
		return nil
	})
	server, err := dns.New(dns.Config{
		Sockets: sockets, Informers: a.informers, Register: a.cfg.Register, Logger: a.cfg.Log,
		Reverse: append([]netip.Prefix{a.cfg.PodRange}, a.cfg.ServiceRanges...),
		Forward: forward.Config{Dial: a.cfg.Outside},
	})
	if err != nil {
		return nil, err
	}
	a.run("the DNS server", func(ctx context.Context) error { return server.Serve(ctx) })
	a.dns = sockets.Addr()
	service, own := netip.AddrPortFrom(a.cfg.ClusterDNS[0], dnsPort), []netip.AddrPort{a.dns}
	return []*svcproxy.Rule{
		{Key: svcproxy.Key{Protocol: corev1.ProtocolUDP, Addr: service}, Port: "kube-system/kube-dns:dns", Endpoints: own},
		{Key: svcproxy.Key{Protocol: corev1.ProtocolTCP, Addr: service}, Port: "kube-system/kube-dns:dns-tcp", Endpoints: own},
	}, nil
}

// ownDNS is what the node itself asks, for pods that add something to it.
func (a *Agent) ownDNS() (d podrun.DNS) {
	f, err := os.Open("/etc/resolv.conf")
	if err == nil {
		defer f.Close()
		d, err = podspec.ResolvConf(f)
	}
	if err != nil {
		a.cfg.Log.Warn("What the node's resolv.conf says is missing in a pod's", "error", err)
	}
	return d
}
