package transport

import (
	"net"
	"net/netip"
)

// Guard decides which addresses may be dialled, so that nobody who can write a
// Service, a Pod's status or a Node reaches what the gateway alone can reach:
// itself, this machine, and the metadata service of a cloud. The zero value
// denies loopback.
type Guard struct {
	// Allowed are the loopback ranges that may be dialled all the same. No
	// other denial is lifted by them.
	Allowed []netip.Prefix
	// Own are the gateway's own listeners. An unspecified IP stands for every
	// address of this machine.
	Own []netip.AddrPort
}

// Ranges with no property in netip that are denied all the same.
var (
	thisNetwork = netip.MustParsePrefix("0.0.0.0/8")
	broadcast   = netip.MustParseAddr("255.255.255.255")
	metadataV6  = netip.MustParseAddr("fd00:ec2::254")
	nat64       = netip.MustParsePrefix("64:ff9b::/96")
)

// Check returns a *DeniedError if the address must not be dialled.
func (g *Guard) Check(a netip.AddrPort) error {
	addr := a.Addr().Unmap()
	if why := g.denied(addr); why != "" {
		return &DeniedError{Address: a.String(), Why: why}
	}
	if g.own(netip.AddrPortFrom(addr, a.Port())) {
		return &DeniedError{Address: a.String(), Why: "the gateway itself"}
	}
	return nil
}

// denied names the rule that forbids an address, or is empty.
func (g *Guard) denied(addr netip.Addr) string {
	if nat64.Contains(addr) { // the IPv4 address behind the translator counts
		b := addr.As16()
		addr = netip.AddrFrom4([4]byte(b[12:]))
	}
	switch {
	case !addr.IsValid(), addr.IsUnspecified(), addr.Is4() && thisNetwork.Contains(addr):
		return "unspecified"
	case addr.IsMulticast(), addr == broadcast:
		return "multicast"
	case addr.IsLinkLocalUnicast(), addr.WithZone("") == metadataV6:
		return "link-local"
	case addr.IsLoopback() && !g.allows(addr):
		return "loopback"
	default:
		return ""
	}
}

func (g *Guard) allows(addr netip.Addr) bool {
	for _, p := range g.Allowed {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}

// own reports whether a is one of the gateway's listeners.
func (g *Guard) own(a netip.AddrPort) bool {
	for _, l := range g.Own {
		if l.Port() != a.Port() {
			continue
		}
		if l.Addr().Unmap() == a.Addr() || l.Addr().IsUnspecified() && local(a.Addr()) {
			return true
		}
	}
	return false
}

// local reports whether addr is one of this machine. It asks the system each
// time, since addresses come and go; only dials to a listener's port ask.
func local(addr netip.Addr) bool {
	if addr.IsLoopback() {
		return true
	}
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return true // in doubt, refuse
	}
	for _, a := range addrs {
		if p, err := netip.ParsePrefix(a.String()); err == nil && p.Addr().Unmap() == addr {
			return true
		}
	}
	return false
}
