//go:build linux

package pod

import (
	"fmt"
	"net"
	"net/netip"

	"github.com/vishvananda/netlink"

	"github.com/causeway-access/causeway/internal/podrun/ns/wire"
)

// Interface is the pod's, which the agent puts into its network.
const Interface = "eth0"

// configureNetwork gives the interface its address. All that is sent goes to
// the node, by its address on the other side of the pair: no bridge, and no
// neighbours to ask for.
func configureNetwork(setup wire.Setup) error {
	if !setup.Address.IsValid() {
		return nil
	}
	lo, err := netlink.LinkByName("lo")
	if err == nil {
		err = netlink.LinkSetUp(lo)
	}
	if err != nil {
		return fmt.Errorf("starting the loopback interface: %w", err)
	}
	link, err := netlink.LinkByName(Interface)
	if err == nil {
		err = netlink.AddrAdd(link, &netlink.Addr{IPNet: single(setup.Address)})
	}
	if err == nil {
		err = netlink.LinkSetUp(link)
	}
	if err != nil {
		return fmt.Errorf("configuring %s: %w", Interface, err)
	}
	index, gateway := link.Attrs().Index, setup.Gateway.AsSlice()
	for _, route := range []*netlink.Route{
		{LinkIndex: index, Dst: single(setup.Gateway), Scope: netlink.SCOPE_LINK},
		{LinkIndex: index, Gw: gateway},
	} {
		if err := netlink.RouteAdd(route); err != nil {
			return fmt.Errorf("adding a route by %s: %w", setup.Gateway, err)
		}
	}
	return nil
}

// single is the network of one address.
func single(a netip.Addr) *net.IPNet {
	return &net.IPNet{IP: a.AsSlice(), Mask: net.CIDRMask(a.BitLen(), a.BitLen())}
}
