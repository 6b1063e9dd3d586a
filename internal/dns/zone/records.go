package zone

import (
	"net"
	"net/netip"

	"github.com/miekg/dns"
)

// addresses are the address records of one name, by family. What is asked for
// one family of a name that has the other is answered with nothing, not with
// that the name does not exist.
type addresses struct{ v4, v6 []dns.RR }

func (a *addresses) add(name string, ttl uint32, addr netip.Addr) {
	if addr.Is4() {
		a.v4 = append(a.v4, &dns.A{Hdr: header(name, dns.TypeA, ttl), A: net.IP(addr.AsSlice())})
	} else {
		a.v6 = append(a.v6, &dns.AAAA{Hdr: header(name, dns.TypeAAAA, ttl), AAAA: net.IP(addr.AsSlice())})
	}
}

func (a *addresses) of(qtype uint16) []dns.RR {
	switch qtype {
	case dns.TypeA:
		return a.v4
	case dns.TypeAAAA:
		return a.v6
	}
	return nil
}

func header(name string, rrtype uint16, ttl uint32) dns.RR_Header {
	return dns.RR_Header{Name: name, Rrtype: rrtype, Class: dns.ClassINET, Ttl: ttl}
}

// Weight and priority of all SRV records: none is before another.
const (
	srvPriority = 0
	srvWeight   = 100
)

func srv(name string, ttl uint32, target string, port uint16) dns.RR {
	return &dns.SRV{Hdr: header(name, dns.TypeSRV, ttl), Priority: srvPriority, Weight: srvWeight, Port: port, Target: target}
}

// SOA timers in seconds. Nothing transfers the zone; they are what clients of
// a server would expect there.
const (
	soaRefresh = 7200
	soaRetry   = 1800
	soaExpire  = 86400
)

// soa is the start of authority of a zone. Its TTL bounds how long a client
// may remember that a name does not exist (RFC 2308).
func (z *Zone) soa(name string) dns.RR {
	return &dns.SOA{
		Hdr: header(name, dns.TypeSOA, z.ttl), Ns: z.nameserver, Mbox: "hostmaster." + z.domain,
		Serial: z.serial.Load(), Refresh: soaRefresh, Retry: soaRetry, Expire: soaExpire, Minttl: z.ttl,
	}
}
