package zone

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/miekg/dns"
)

// Answer is what a zone says to a question. Its records are shared: they must
// not be changed, nor the slices.
type Answer struct {
	// Code is [dns.RcodeSuccess], or [dns.RcodeNameError] if there is no such
	// name.
	Code int
	// Records answer the question. None, and success, means that the name has
	// no records of that type.
	Records []dns.RR
	// Extra are the addresses of names in Records.
	Extra []dns.RR
	// Authority is the zone's SOA record if Records is empty.
	Authority []dns.RR
	// Alias is the name to ask about instead, which Records says to be the name
	// that it stands for.
	Alias string
}

// Lookup answers a question of class IN. It reports false if the name is not
// one of the cluster's. The name is absolute.
func (z *Zone) Lookup(name string, qtype uint16) (Answer, bool) {
	lower := strings.ToLower(name)
	a := parse(lower, z.domain)
	if a.kind == outside {
		return z.lookupReverse(name, lower, qtype)
	}
	found, exists := z.find(a, lower, qtype)
	return z.finish(found, exists, z.domain, name, lower), true
}

// Owns reports whether a name is in the cluster's domain or in one of its
// reverse zones.
func (z *Zone) Owns(name string) bool {
	_, ok := z.Lookup(name, dns.TypeNone)
	return ok
}

// find returns the records of a type, and whether the name exists.
func (z *Zone) find(a asked, name string, qtype uint16) (found Answer, exists bool) {
	switch a.kind {
	case apex:
		return z.findApex(qtype), true
	case branch:
		return Answer{}, true
	case version:
		return Answer{Records: only(dns.TypeTXT, qtype, z.version)}, true
	case namespace:
		_, exists = z.namespaces.Load(a.namespace)
		return Answer{}, exists
	case pod:
		_, exists = z.namespaces.Load(a.namespace)
		var own addresses
		own.add(name, z.ttl, a.addr)
		return Answer{Records: own.of(qtype)}, exists
	}
	if e, ok := z.services.Load(key{a.namespace, a.service}); ok {
		return e.find(a, qtype)
	}
	return Answer{}, false
}

func (z *Zone) findApex(qtype uint16) Answer {
	switch qtype {
	case dns.TypeSOA:
		return Answer{Records: []dns.RR{z.soa(z.domain)}}
	case dns.TypeNS:
		return Answer{Records: z.ns}
	}
	return Answer{}
}

// find returns the records of one of the names of a service.
func (e *entry) find(a asked, qtype uint16) (found Answer, exists bool) {
	switch a.kind {
	case service:
		if e.alias != nil {
			return e.findAlias(qtype), true
		}
		return Answer{Records: rotate(e.own.of(qtype))}, true
	case endpoint:
		at, ok := e.endpoints[a.part]
		if !ok {
			return Answer{}, false
		}
		return Answer{Records: at.of(qtype)}, true
	case protocol:
		_, exists = e.protocols[a.part]
		return Answer{}, exists
	case port:
		records, ok := e.ports[a.part]
		if !ok || qtype != dns.TypeSRV {
			return Answer{}, ok
		}
		return Answer{Records: records, Extra: e.extra}, true
	}
	return Answer{}, false
}

func (e *entry) findAlias(qtype uint16) Answer {
	found := Answer{Records: e.alias}
	if cname, ok := e.alias[0].(*dns.CNAME); ok && qtype != dns.TypeCNAME {
		found.Alias = cname.Target
	}
	return found
}

// lookupReverse answers for the names of addresses. An address outside of the
// cluster's ranges may have a name in it too; without one, its name is not the
// cluster's to give.
func (z *Zone) lookupReverse(name, lower string, qtype uint16) (Answer, bool) {
	prefix, ok := parseReverse(lower)
	if !ok {
		return Answer{}, false
	}
	in, ours := z.rangeOf(prefix)
	var records []dns.RR
	if prefix.IsSingleIP() {
		records, ok = z.pointers.Load(prefix.Addr())
		if !ok && !ours {
			return Answer{}, false
		}
	} else if !ours {
		return Answer{}, false
	}
	origin := lower
	if ours {
		origin = zoneOf(prefix.Addr(), in)
	}
	found := Answer{Records: only(dns.TypePTR, qtype, records)}
	return z.finish(found, records != nil || !prefix.IsSingleIP(), origin, name, lower), true
}

// rangeOf returns the range of the cluster's addresses that holds all of
// prefix.
func (z *Zone) rangeOf(prefix netip.Prefix) (netip.Prefix, bool) {
	i := slices.IndexFunc(z.reverse, func(r netip.Prefix) bool {
		return r.Bits() <= prefix.Bits() && r.Contains(prefix.Addr())
	})
	if i < 0 {
		return netip.Prefix{}, false
	}
	return z.reverse[i], true
}

// finish adds what goes with an answer, or with the lack of one. The records
// get the name as it was asked for: some clients compare the case.
func (z *Zone) finish(found Answer, exists bool, origin, name, lower string) Answer {
	if !exists {
		found.Code = dns.RcodeNameError
		found.Records = nil
	}
	if len(found.Records) == 0 {
		found.Authority = []dns.RR{z.soa(origin)}
		return found
	}
	if name != lower {
		named := make([]dns.RR, len(found.Records))
		for i, r := range found.Records {
			named[i] = dns.Copy(r)
			named[i].Header().Name = name
		}
		found.Records = named
	}
	return found
}

func only(want, qtype uint16, records []dns.RR) []dns.RR {
	if qtype != want {
		return nil
	}
	return records
}
