package svcproxy

import (
	"cmp"
	"net/netip"
	"slices"

	"k8s.io/apimachinery/pkg/types"
)

// name is the key of a namespaced object.
type name struct{ namespace, name string }

func (n name) compare(other name) int {
	return cmp.Or(cmp.Compare(n.namespace, other.namespace), cmp.Compare(n.name, other.name))
}

// draft is what is known of one service.
type draft struct {
	service *service
	slices  map[string]*slice // by name
}

func (d *draft) empty() bool { return d.service == nil && len(d.slices) == 0 }

// rules returns what becomes of what is sent to the service.
func (d *draft) rules(of name) []*Rule {
	if d.service == nil {
		return nil
	}
	var rules []*Rule
	for _, addr := range d.service.addrs {
		for _, p := range d.service.ports {
			add := func(at netip.AddrPort, local bool) {
				rules = append(rules, &Rule{
					Key: Key{p.protocol, at}, Of: types.NamespacedName{Namespace: of.namespace, Name: of.name}, Port: of.port(p),
					Endpoints: d.endpoints(p, addr.Is4(), local), Affinity: d.service.affinity,
				})
			}
			add(netip.AddrPortFrom(addr, p.number), d.service.local)
			if p.node != 0 && addr.Is4() {
				add(netip.AddrPortFrom(netip.IPv4Unspecified(), p.node), d.service.nodeOnly)
			}
		}
	}
	return rules
}

// port names one of a service's, for people.
func (n name) port(p servicePort) string {
	text := n.namespace + "/" + n.name
	if p.name != "" {
		text += ":" + p.name
	}
	return text
}

// endpoints returns where a port of one family leads to: on this node alone, or
// on any.
func (d *draft) endpoints(p servicePort, v4, local bool) []netip.AddrPort {
	var ready, leaving []netip.AddrPort
	for _, s := range d.slices {
		number, ok := s.number(p)
		if !ok {
			continue
		}
		for _, m := range s.members {
			at := netip.AddrPortFrom(m.addr, number)
			switch {
			case m.addr.Is4() != v4, local && !m.here:
			case m.ready || d.service.unready:
				ready = append(ready, at)
			case m.serving && m.terminating:
				leaving = append(leaving, at)
			}
		}
	}
	if len(ready) == 0 {
		ready = leaving
	}
	slices.SortFunc(ready, netip.AddrPort.Compare)
	return slices.Compact(ready) // a pod may be in two slices while it moves
}
