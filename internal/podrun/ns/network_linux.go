package ns

import (
	"errors"
	"fmt"
	"hash/fnv"
	"net"
	"net/netip"
	"os"
	"syscall"

	"github.com/vishvananda/netlink"

	"github.com/causeway-access/causeway/internal/podrun/ns/pod"
)

// gateway is the node's address on all its sides of pods' interfaces.
func (r *Runtime) gateway() netip.Addr { return r.config.PodCIDR.Masked().Addr().Next() }

// takeAddress finds one that no sandbox has.
func (r *Runtime) takeAddress(id string) (netip.Addr, error) {
	cidr := r.config.PodCIDR
	if !cidr.IsValid() {
		return netip.Addr{}, errors.New("the node has no range of addresses for pods yet")
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for a := r.gateway().Next(); cidr.Contains(a); a = a.Next() {
		last := !cidr.Contains(a.Next()) // the broadcast address
		if r.addresses[a.String()] == "" && !last {
			r.addresses[a.String()] = id
			return a, nil
		}
	}
	return netip.Addr{}, fmt.Errorf("all addresses of %s are taken by pods", cidr)
}

// giveAddress gives back what a sandbox has.
func (r *Runtime) giveAddress(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for a, holder := range r.addresses {
		if holder == id {
			delete(r.addresses, a)
		}
	}
}

// interfaceName of the node's side: 15 bytes at most.
func interfaceName(id string) string {
	h := fnv.New64a()
	_, _ = h.Write([]byte(id))
	return fmt.Sprintf("cw%012x", h.Sum64()&(1<<48-1))
}

// connect makes a pair of interfaces, one of them in the network of pid, and a
// route to the pod's address.
func (r *Runtime) connect(id string, pid int, address netip.Addr) error {
	name := interfaceName(id)
	pair := &netlink.Veth{
		LinkAttrs: netlink.LinkAttrs{Name: name}, PeerName: pod.Interface, PeerNamespace: netlink.NsPid(pid),
	}
	if err := netlink.LinkAdd(pair); err != nil {
		return fmt.Errorf("making the pod's interface: %w", err)
	}
	link, err := netlink.LinkByName(name)
	if err != nil {
		return fmt.Errorf("looking at the pod's interface: %w", err)
	}
	err = netlink.AddrAdd(link, &netlink.Addr{IPNet: single(r.gateway())})
	if err == nil {
		err = netlink.LinkSetUp(link)
	}
	if err == nil {
		err = netlink.RouteAdd(&netlink.Route{LinkIndex: link.Attrs().Index, Dst: single(address), Scope: netlink.SCOPE_LINK})
	}
	if err != nil {
		return fmt.Errorf("leading the way to the pod's address %s: %w", address, err)
	}
	return nil
}

// connected says whether the pair is there.
func connected(id string) bool {
	_, err := netlink.LinkByName(interfaceName(id))
	return err == nil
}

// disconnect removes the pair. The kernel does it with the pod's network, but
// takes its time.
func disconnect(id string) error {
	link, err := netlink.LinkByName(interfaceName(id))
	if err == nil {
		err = netlink.LinkDel(link)
	}
	var missing netlink.LinkNotFoundError
	if err != nil && !errors.As(err, &missing) && !errors.Is(err, syscall.ENODEV) {
		return fmt.Errorf("removing a pod's interface: %w", err)
	}
	return nil
}

// forward lets the node pass packets on between pods.
func forward() error {
	if err := os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0); err != nil {
		return fmt.Errorf("letting the node forward packets: %w", err)
	}
	return nil
}

func single(a netip.Addr) *net.IPNet {
	return &net.IPNet{IP: a.AsSlice(), Mask: net.CIDRMask(a.BitLen(), a.BitLen())}
}
