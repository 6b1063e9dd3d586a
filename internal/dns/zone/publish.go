package zone

import (
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/miekg/dns"
	discoveryv1 "k8s.io/api/discovery/v1"
)

// rebuild publishes what the informers know of a service now. It may be called
// for the same service by several watches: what is read under the lock is never
// older than what was published last.
func (z *Zone) rebuild(k key) {
	z.mu.Lock()
	defer z.mu.Unlock()
	before, _ := z.services.Load(k)
	now := z.current(k)
	if now == nil {
		z.services.Delete(k)
	} else {
		z.services.Store(k, now)
	}
	z.point(k, pointersOf(before), pointersOf(now))
	z.touch()
}

// current builds a service; nil if it is not there or has no records.
func (z *Zone) current(k key) *entry {
	s, err := z.lister.Services(k.namespace).Get(k.name)
	if err != nil {
		return nil // a lister knows no other error than that there is none
	}
	found, err := z.slices.ByIndex(bySlice, k.namespace+"/"+k.name)
	if err != nil {
		return nil // there is no such index; New has made it
	}
	parts := make([]*discoveryv1.EndpointSlice, 0, len(found))
	for _, o := range found {
		if part, ok := o.(*discoveryv1.EndpointSlice); ok {
			parts = append(parts, part)
		}
	}
	slices.SortFunc(parts, func(a, b *discoveryv1.EndpointSlice) int { return strings.Compare(a.Name, b.Name) })
	return z.build(s, parts)
}

func pointersOf(e *entry) map[netip.Addr]string {
	if e == nil {
		return nil
	}
	return e.pointers
}

// point publishes the names of the addresses that a service has gained or
// lost. An address may have names by several services.
func (z *Zone) point(k key, before, now map[netip.Addr]string) {
	for addr := range before {
		if _, stays := now[addr]; !stays {
			z.setPointer(addr, k, "")
		}
	}
	for addr, name := range now {
		if before[addr] != name {
			z.setPointer(addr, k, name)
		}
	}
}

// setPointer sets the name that an address has by a service; none if it is
// empty.
func (z *Zone) setPointer(addr netip.Addr, k key, name string) {
	names := z.owners[addr]
	if names == nil {
		names = map[key]string{}
		z.owners[addr] = names
	}
	if names[k] = name; name == "" {
		delete(names, k)
	}
	if len(names) == 0 {
		delete(z.owners, addr)
		z.pointers.Delete(addr)
		return
	}
	owner := reverseName(addr, addr.BitLen())
	var records []dns.RR
	for _, target := range slices.Sorted(maps.Values(names)) {
		records = append(records, &dns.PTR{Hdr: header(owner, dns.TypePTR, z.ttl), Ptr: target})
	}
	z.pointers.Store(addr, records)
}
