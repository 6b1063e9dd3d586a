package svcproxy

import (
	"net/netip"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
)

// slice is what is needed of an EndpointSlice.
type slice struct {
	ports   []slicePort
	members []member
}

type slicePort struct {
	name     string
	protocol corev1.Protocol
	number   uint16
}

// member is one address of a slice.
type member struct {
	addr                        netip.Addr
	ready, serving, terminating bool
	here                        bool // on this node
}

// sliceOf reads an EndpointSlice as seen from a node. Names are never resolved
// for a service, so that a slice of them has no members.
func sliceOf(s *discoveryv1.EndpointSlice, node string) *slice {
	out := &slice{}
	for _, p := range s.Ports {
		if p.Port == nil || *p.Port < 1 || *p.Port > 65535 {
			continue // no port at all means "all ports", which a service cannot mean
		}
		at := slicePort{protocol: corev1.ProtocolTCP, number: uint16(*p.Port)}
		if p.Name != nil {
			at.name = *p.Name
		}
		if p.Protocol != nil {
			at.protocol = protocolOf(*p.Protocol)
		}
		out.ports = append(out.ports, at)
	}
	if s.AddressType == discoveryv1.AddressTypeFQDN {
		return out
	}
	for i := range s.Endpoints {
		out.members = appendMembers(out.members, &s.Endpoints[i], node)
	}
	return out
}

// appendMembers appends the addresses of an endpoint. A condition that is not
// set is taken as the API defines it: ready unless it is said otherwise, and
// serving if it is ready.
func appendMembers(to []member, e *discoveryv1.Endpoint, node string) []member {
	m := member{
		ready:       e.Conditions.Ready == nil || *e.Conditions.Ready,
		terminating: e.Conditions.Terminating != nil && *e.Conditions.Terminating,
		here:        node != "" && e.NodeName != nil && *e.NodeName == node,
	}
	m.serving = m.ready
	if e.Conditions.Serving != nil {
		m.serving = *e.Conditions.Serving
	}
	for _, text := range e.Addresses {
		if addr, err := netip.ParseAddr(text); err == nil {
			m.addr = addr.Unmap()
			to = append(to, m)
		}
	}
	return to
}

// number returns the slice's port for one of the service's.
func (s *slice) number(p servicePort) (uint16, bool) {
	for _, at := range s.ports {
		if at.name == p.name && at.protocol == p.protocol {
			return at.number, true
		}
	}
	return 0, false
}
