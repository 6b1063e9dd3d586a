package catalog

import (
	"cmp"
	"net/netip"
	"slices"
	"strconv"

	corev1 "k8s.io/api/core/v1"

	"github.com/causeway-access/causeway/internal/route"
)

// service is the published snapshot of one service.
type service struct {
	external string
	ports    []offer
}

// offer is one port of a published service with what answers there; nil if
// nothing does.
type offer struct {
	port
	backend *route.Backend
}

// build makes the snapshot of a service from its draft.
func (d *draft) build(key name) *service {
	s := &service{external: d.spec.external}
	for _, p := range d.spec.ports {
		s.ports = append(s.ports, offer{p, d.backend(key, p)})
	}
	return s
}

// backend gathers the endpoints of one port over all slices.
func (d *draft) backend(key name, p port) *route.Backend {
	var ready, leaving []route.Endpoint
	scheme := p.scheme
	for _, s := range d.slices {
		number, ok := s.ports[p.name]
		if !ok {
			continue
		}
		scheme = cmp.Or(scheme, s.schemes[p.name])
		for _, m := range s.members {
			e := route.Endpoint{Addr: netip.AddrPortFrom(m.addr, number)}
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
