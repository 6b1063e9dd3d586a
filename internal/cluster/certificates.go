package cluster

import (
	"context"
	"net"
	"net/netip"
	"os"
	"slices"

	"github.com/causeway-access/causeway/internal/certs"
)

// prepareCertificates opens the authority and keeps the leaves that this
// process shows: the API server's, and the gateway's towards nodes.
func (c *Cluster) prepareCertificates(context.Context) error {
	dir := c.path("pki")
	authority, err := certs.OpenAuthority(dir)
	if err != nil {
		return err
	}
	c.authority = authority
	ctx, cancel := context.WithCancel(context.Background())
	c.onStop(func(context.Context) error { cancel(); return nil })
	c.serving, err = certs.Keep(ctx, authority, certs.KeepConfig{Dir: dir, Name: "apiserver", Chain: true, Log: c.log, Leaf: certs.Leaf{
		CommonName: "kube-apiserver", DNSNames: c.servingNames(), IPs: c.servingIPs(), Server: true,
	}})
	if err != nil {
		return err
	}
	c.nodeClient, err = certs.Keep(ctx, authority, certs.KeepConfig{Dir: dir, Name: "apiserver-node-client", Log: c.log, Leaf: certs.Leaf{
		CommonName: "kube-apiserver-kubelet-client", Organizations: []string{"system:masters"}, Client: true,
	}})
	return err
}

func (c *Cluster) servingNames() []string {
	names := []string{
		"localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local",
	}
	if host, err := os.Hostname(); err == nil && !slices.Contains(names, host) {
		names = append(names, host)
	}
	return names
}

// servingIPs are all by which a client may have come: what we listen on, what
// we advertise, loopback, and the first cluster address, which is the
// kubernetes service's.
func (c *Cluster) servingIPs() []net.IP {
	list := []netip.Addr{
		netip.AddrFrom4([4]byte{127, 0, 0, 1}), netip.IPv6Loopback(),
		c.kubernetesAddress(), c.at.local.Addr(), c.at.advertised.Addr(),
	}
	if c.at.bound.Addr().IsUnspecified() {
		list = append(list, interfaceAddresses()...)
	}
	slices.SortFunc(list, netip.Addr.Compare)
	var ips []net.IP
	for _, a := range slices.Compact(list) {
		ips = append(ips, net.IP(a.AsSlice()))
	}
	return ips
}

// kubernetesAddress is the cluster address of the API itself.
func (c *Cluster) kubernetesAddress() netip.Addr { return c.serviceCIDR.Masked().Addr().Next() }

func interfaceAddresses() []netip.Addr {
	all, err := net.InterfaceAddrs()
	if err != nil {
		return nil // the advertised address was found without
	}
	var list []netip.Addr
	for _, a := range all {
		if p, err := netip.ParsePrefix(a.String()); err == nil && p.Addr().IsGlobalUnicast() {
			list = append(list, p.Addr())
		}
	}
	return list
}
