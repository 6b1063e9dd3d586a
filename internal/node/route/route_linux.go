package route

import (
	"fmt"
	"net"
	"net/netip"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// protocol marks the routes made here (/etc/iproute2/rt_protos; those above 191
// are nobody's).
const protocol = 204

// apply makes the routes below the range those that are wanted, and says which
// could not be made.
func apply(within netip.Prefix, wanted []way) (failed []string) {
	if err := drop(within, wanted); err != nil {
		failed = append(failed, err.Error())
	}
	for _, w := range wanted {
		err := netlink.RouteReplace(&netlink.Route{Dst: ipNet(w.to), Gw: w.by.AsSlice(), Protocol: protocol})
		if err != nil {
			failed = append(failed, fmt.Sprintf("no route to the pods of node %s, %s by %s: %v (is it on another network than this machine?)", w.node, w.to, w.by, err))
		}
	}
	return failed
}

// drop removes the routes made here that are below the range, but not those
// that are wanted.
func drop(within netip.Prefix, wanted []way) error {
	there, err := netlink.RouteListFiltered(unix.AF_UNSPEC, &netlink.Route{Protocol: protocol}, netlink.RT_FILTER_PROTOCOL)
	if err != nil {
		return fmt.Errorf("listing routes: %w", err)
	}
	keep := map[netip.Prefix]netip.Addr{}
	for _, w := range wanted {
		keep[w.to] = w.by
	}
	for i := range there {
		to, ok := prefixOf(there[i].Dst)
		by, _ := netip.AddrFromSlice(there[i].Gw)
		if !ok || !within.Contains(to.Addr()) || to.Bits() < within.Bits() || keep[to] == by.Unmap() && by.IsValid() {
			continue
		}
		if err := netlink.RouteDel(&there[i]); err != nil {
			return fmt.Errorf("removing the route to %s: %w", to, err)
		}
	}
	return nil
}

// Clear removes all routes made here that are below the range, when no pod is
// left that needs them.
func Clear(within netip.Prefix) error { return drop(within, nil) }

func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}

func prefixOf(n *net.IPNet) (netip.Prefix, bool) {
	if n == nil {
		return netip.Prefix{}, false
	}
	address, ok := netip.AddrFromSlice(n.IP)
	bits, _ := n.Mask.Size()
	return netip.PrefixFrom(address.Unmap(), bits), ok
}
