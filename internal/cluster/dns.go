package cluster

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"

	"github.com/causeway-access/causeway/internal/controller/bootstrap"
	"github.com/causeway-access/causeway/internal/controller/clusterdns"
	"github.com/causeway-access/causeway/internal/dns"
)

// dnsNumber is which address of the service range is that of DNS, as clusters
// have it by custom: their pods' resolv.conf says so.
const dnsNumber = 10

// anyLoopbackPort is where DNS listens for the pods of this machine alone.
const anyLoopbackPort = "127.0.0.1:0"

func (s *settings) checkDNS() error {
	if s.DNSListen == "" && s.Node.Run {
		s.DNSListen = anyLoopbackPort
	}
	if s.DNSListen == "" {
		return nil
	}
	if err := checkListen(s.DNSListen); err != nil {
		return fmt.Errorf("--dns-listen %q: %w", s.DNSListen, err)
	}
	host, _, err := net.SplitHostPort(s.DNSListen)
	if err != nil {
		return fmt.Errorf("--dns-listen %q: %w", s.DNSListen, err)
	}
	if _, err := netip.ParseAddr(host); host != "" && err != nil {
		return fmt.Errorf("--dns-listen %q: %w", s.DNSListen, err)
	}
	return nil
}

// dnsServiceIP is the cluster IP of the DNS service. The smallest range that
// is taken holds it.
func (s *settings) dnsServiceIP() netip.Addr {
	addr := s.serviceCIDR.Masked().Addr()
	for range dnsNumber {
		addr = addr.Next()
	}
	return addr
}

// listenDNS takes the port before anything is changed, so that a start that
// cannot have it has done nothing.
func (c *Cluster) listenDNS(context.Context) error {
	if c.DNSListen == "" {
		return nil
	}
	var err error
	c.dnsSockets, err = dns.Listen(c.DNSListen)
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("%w: another program has the port; choose another with --dns-listen", err)
	}
	if errors.Is(err, syscall.EACCES) {
		return fmt.Errorf("%w: ports below 1024 are root's; choose another with --dns-listen", err)
	}
	if err != nil {
		return err
	}
	c.onStop(func(context.Context) error {
		if err := c.dnsSockets.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			return err
		}
		return nil
	})
	return nil
}

func (c *Cluster) prepareDNS(context.Context) error {
	if c.dnsSockets == nil {
		return nil
	}
	var err error
	c.dns, err = dns.New(dns.Config{
		Sockets: c.dnsSockets, Informers: c.base.Informers,
		Nameserver: clusterdns.Name + "." + clusterdns.Namespace,
		Reverse:    []netip.Prefix{c.serviceCIDR, c.podCIDR},
		Register:   c.metrics.Register, Logger: c.log,
	})
	return err
}

// startDNS has questions answered; until the API has been read, with a failure.
func (c *Cluster) startDNS(context.Context) error {
	if c.dns != nil {
		c.run("the DNS server", c.dns.Serve)
	}
	return nil
}

// dnsService is what the controller of the DNS service has to know.
func (c *Cluster) dnsService() clusterdns.Config {
	cfg := clusterdns.Config{
		Serving: c.dns != nil, ServiceIP: c.dnsServiceIP(),
		Identity: c.serverName(), Lease: bootstrap.LeaseName(c.serverName()),
	}
	if c.dns == nil {
		return cfg
	}
	at := c.dnsSockets.Addr()
	if at.Addr().IsUnspecified() {
		at = netip.AddrPortFrom(c.at.advertised.Addr(), at.Port())
	}
	if !at.Addr().IsLoopback() {
		cfg.Address = at
	}
	return cfg
}
