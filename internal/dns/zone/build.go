package zone

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/miekg/dns"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
)

// entry is the published snapshot of one service: the records of all its
// names.
type entry struct {
	alias     []dns.RR // the CNAME of an ExternalName service
	own       addresses
	ports     map[string][]dns.RR   // SRV records, by _PORT._PROTOCOL
	protocols map[string]struct{}   // of ports
	endpoints map[string]*addresses // of a headless service, by host name
	extra     []dns.RR              // the addresses that ports lead to
	pointers  map[netip.Addr]string // the names of addresses
}

// builder makes an entry.
type builder struct {
	entry
	name string // absolute
	ttl  uint32
	led  map[lead]struct{} // what ports holds
}

// lead is what an SRV record says.
type lead struct {
	part, target string
	number       uint16
}

// build makes the records of a service from what the API has of it; nil if it
// has none.
func (z *Zone) build(s *corev1.Service, parts []*discoveryv1.EndpointSlice) *entry {
	b := &builder{name: s.Name + "." + s.Namespace + ".svc." + z.domain, ttl: z.ttl, led: map[lead]struct{}{}}
	b.ports, b.protocols = map[string][]dns.RR{}, map[string]struct{}{}
	b.pointers = map[netip.Addr]string{}
	switch {
	case s.Spec.Type == corev1.ServiceTypeExternalName:
		target := dns.Fqdn(strings.ToLower(s.Spec.ExternalName))
		if _, ok := dns.IsDomainName(target); !ok || target == "." {
			return nil
		}
		b.alias = []dns.RR{&dns.CNAME{Hdr: header(b.name, dns.TypeCNAME, b.ttl), Target: target}}
	case s.Spec.ClusterIP == corev1.ClusterIPNone:
		b.addEndpoints(parts, s.Spec.PublishNotReadyAddresses)
	default:
		b.addClusterIPs(s)
	}
	if b.alias == nil && len(b.pointers) == 0 {
		return nil
	}
	return &b.entry
}

// addClusterIPs adds the records of a service with addresses of its own
// (specification, 2.3).
func (b *builder) addClusterIPs(s *corev1.Service) {
	for _, text := range clusterIPs(s) {
		if addr, err := netip.ParseAddr(text); err == nil {
			b.own.add(b.name, b.ttl, addr.Unmap())
			b.pointers[addr.Unmap()] = b.name
		}
	}
	b.extra = slices.Concat(b.own.v4, b.own.v6)
	for _, p := range s.Spec.Ports {
		b.addPort(p.Name, p.Protocol, uint16(p.Port), b.name)
	}
}

func clusterIPs(s *corev1.Service) []string {
	if len(s.Spec.ClusterIPs) > 0 {
		return s.Spec.ClusterIPs
	}
	return []string{s.Spec.ClusterIP}
}

// addEndpoints adds the records of a service that is its endpoints
// (specification, 2.4). Ports have the numbers on which the endpoints listen:
// nothing stands between a client and them.
func (b *builder) addEndpoints(parts []*discoveryv1.EndpointSlice, unready bool) {
	b.endpoints = map[string]*addresses{}
	for _, part := range parts {
		if part.AddressType == discoveryv1.AddressTypeFQDN {
			continue
		}
		for i := range part.Endpoints {
			if e := &part.Endpoints[i]; unready || e.Conditions.Ready == nil || *e.Conditions.Ready {
				b.addEndpoint(e, part.Ports)
			}
		}
	}
}

func (b *builder) addEndpoint(e *discoveryv1.Endpoint, ports []discoveryv1.EndpointPort) {
	for _, text := range e.Addresses {
		addr, err := netip.ParseAddr(text)
		if err != nil {
			continue
		}
		addr = addr.Unmap()
		label := dash(addr)
		if e.Hostname != nil && *e.Hostname != "" {
			label = strings.ToLower(*e.Hostname)
		}
		name := label + "." + b.name
		if b.pointers[addr] == "" { // an address may be in two slices for a while
			b.pointers[addr] = name
			b.own.add(b.name, b.ttl, addr)
		}
		if b.endpoints[label] == nil {
			b.endpoints[label] = &addresses{}
		}
		if at := b.endpoints[label]; !holds(at, addr) {
			at.add(name, b.ttl, addr)
			b.extra = append(b.extra, last(at, addr))
		}
		for _, p := range ports {
			if p.Name != nil && p.Port != nil {
				b.addPort(*p.Name, protocolOf(p.Protocol), uint16(*p.Port), name)
			}
		}
	}
}

// holds reports whether a record of that address is there.
func holds(a *addresses, addr netip.Addr) bool {
	at := func(r dns.RR) bool {
		switch r := r.(type) {
		case *dns.A:
			return addr.Is4() && r.A.Equal(addr.AsSlice())
		case *dns.AAAA:
			return addr.Is6() && r.AAAA.Equal(addr.AsSlice())
		}
		return false
	}
	return slices.ContainsFunc(a.v4, at) || slices.ContainsFunc(a.v6, at)
}

// last is the record that was added last for an address of that family.
func last(a *addresses, addr netip.Addr) dns.RR {
	if addr.Is4() {
		return a.v4[len(a.v4)-1]
	}
	return a.v6[len(a.v6)-1]
}

// addPort adds the SRV record of a port, if that has a name.
func (b *builder) addPort(name string, protocol corev1.Protocol, number uint16, target string) {
	if name == "" {
		return
	}
	proto := "_" + strings.ToLower(string(protocol))
	if protocol == "" {
		proto = "_tcp"
	}
	part := "_" + strings.ToLower(name) + "." + proto
	key := lead{part, target, number}
	if _, again := b.led[key]; again {
		return // of another address of this endpoint
	}
	b.led[key] = struct{}{}
	b.ports[part] = append(b.ports[part], srv(part+"."+b.name, b.ttl, target, number))
	b.protocols[proto] = struct{}{}
}

func protocolOf(p *corev1.Protocol) corev1.Protocol {
	if p == nil {
		return corev1.ProtocolTCP
	}
	return *p
}
