package catalog

import (
	"cmp"
	"net/netip"
	"slices"
	"strconv"

	corev1 "k8s.io/api/core/v1"

	"github.com/causeway-access/causeway/internal/route"
)

// service is the published snapshot of one service. What a look-up reads lies
// together, as far as it can: in a large cluster its cost is that of the memory
// it has to fetch.
type service struct {
	external string
	ports    []offer
	only     [1]offer // what ports is of, if there is one
}

// offer is one port of a published service with what answers there; nil if
// nothing does.
type offer struct {
	port
	backend *route.Backend
}

// build makes the snapshot of a service from its draft. Ports whose backends
// are the same as before keep them.
func (d *draft) build(key name, before *service) *service {
	s := &service{external: d.spec.external}
	if s.ports = s.only[:]; len(d.spec.ports) != 1 {
		s.ports = make([]offer, len(d.spec.ports))
	}
	for i, p := range d.spec.ports {
		now := d.backend(key, p)
		if before != nil && now != nil {
			if was := before.offer(p); was != nil && same(was, now) {
				now = was
			}
		}
		s.ports[i] = offer{p, now}
	}
	return s
}

// offer returns what answered at a port; nil if nothing did.
func (s *service) offer(p port) *route.Backend {
	for i := range s.ports {
		if s.ports[i].port == p {
			return s.ports[i].backend
		}
	}
	return nil
}

// same reports whether two backends of one port are alike.
func same(a, b *route.Backend) bool {
	return a.Scheme == b.Scheme && a.Affinity == b.Affinity && a.Trust == b.Trust && slices.Equal(a.Endpoints, b.Endpoints)
}

// backend gathers the endpoints of one port over all slices.
func (d *draft) backend(key name, p port) *route.Backend {
	scheme := p.scheme
	ready := make([]route.Endpoint, 0, d.members())
	var leaving []route.Endpoint
	for _, s := range d.slices {
		at, ok := s.port(p.name)
		if !ok {
			continue
		}
		scheme = cmp.Or(scheme, at.scheme)
		for _, m := range s.members {
			e := route.Endpoint{Addr: netip.AddrPortFrom(m.addr, at.number)}
			switch {
			case m.ready || d.spec.unready:
				ready = append(ready, e)
			case m.serving && m.terminating:
				leaving = append(leaving, e)
			}
		}
	}
	if len(ready) == 0 {
		ready = leaving
	}
	endpoints := oneFamily(ready, d.spec.families)
	if len(endpoints) == 0 {
		return nil
	}
	return &route.Backend{
		Resource:  route.Services,
		Namespace: key.namespace,
		Name:      key.name,
		Port:      cmp.Or(p.name, strconv.Itoa(int(p.number))),
		Scheme:    cmp.Or(scheme, route.SchemeHTTP),
		Endpoints: endpoints,
		Affinity:  d.spec.affinity,
		Trust:     d.spec.trust,
	}
}

// oneFamily sorts the endpoints, drops duplicates, and of a dual-stack service
// keeps those of its first family, so that one pod does not count twice.
func oneFamily(all []route.Endpoint, families []corev1.IPFamily) []route.Endpoint {
	slices.SortFunc(all, func(a, b route.Endpoint) int { return a.Addr.Compare(b.Addr) })
	all = slices.Compact(all)
	if len(families) < 2 {
		return all
	}
	first := make([]route.Endpoint, 0, len(all))
	for _, e := range all {
		if e.Addr.Addr().Is6() == (families[0] == corev1.IPv6Protocol) {
			first = append(first, e)
		}
	}
	if len(first) == 0 {
		return all
	}
	return first
}
