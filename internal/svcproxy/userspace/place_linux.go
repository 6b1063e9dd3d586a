package userspace

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"runtime"
	"syscall"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

const (
	// placeLink is the node's side of the pair of interfaces, placePeer the
	// other one.
	placeLink = "cwservices"
	placePeer = "node"
	// placeLeft is how long the interface of a process that has ended may still
	// be there: the kernel removes it when it finds the time.
	placeLeft = 10 * time.Second
)

// The addresses of the pair. They are of this link alone (RFC 3927).
var (
	nodeSide  = netip.MustParsePrefix("169.254.77.1/30")
	placeSide = netip.MustParsePrefix("169.254.77.2/30")
)

// place is a network namespace in which all cluster IPs are local addresses.
//
//	node's network                          place
//	cwservices 169.254.77.1/30  ---------  node 169.254.77.2/30
//	10.96.0.0/16 via 169.254.77.2          local 10.96.0.0/16 dev lo
//	                                       default via 169.254.77.1
//
// Nothing names it but a thread of this process and the sockets that were made
// in it: when they are gone it is, and the pair of interfaces and the routes
// through it with it. So there is nothing to be cleaned up after a process that
// was killed.
type place struct {
	network *os.File
	jobs    chan func() // run by the thread that is in it
	joined  bool        // the pair of interfaces is ours
}

// openPlace makes the place and leads the ranges to it.
func openPlace(ctx context.Context, ranges []netip.Prefix) (*place, error) {
	if err := awaitRemoval(ctx); err != nil {
		return nil, err
	}
	p := &place{jobs: make(chan func())}
	entered := make(chan error)
	go p.stay(entered)
	err := <-entered
	if err == nil {
		err = p.join()
	}
	if err == nil {
		err = p.do(func() error { return furnish(ranges) })
	}
	if err == nil {
		err = lead(ranges)
	}
	if err != nil {
		p.close()
		return nil, err
	}
	return p, nil
}

// awaitRemoval waits until nothing is left of a proxy that has ended.
func awaitRemoval(ctx context.Context) error {
	const again = 50 * time.Millisecond
	for deadline := time.Now().Add(placeLeft); ; {
		_, err := netlink.LinkByName(placeLink)
		var missing netlink.LinkNotFoundError
		switch {
		case errors.As(err, &missing):
			return nil
		case err != nil:
			return fmt.Errorf("looking for the interface %s: %w", placeLink, err)
		case time.Now().After(deadline):
			return fmt.Errorf("there is an interface %s: another node agent proxies services on this machine; end it first", placeLink)
		}
		select {
		case <-time.After(again):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// stay makes the namespace and does in it what it is asked to, on a thread that
// does nothing else and ends with it.
func (p *place) stay(entered chan<- error) {
	runtime.LockOSThread()
	if unix.Gettid() == unix.Getpid() {
		// The first thread does not end, and stands for the process where one
		// looks at that: another one has to go, while this one is taken.
		other := make(chan error)
		go p.stay(other)
		entered <- <-other
		runtime.UnlockOSThread()
		return
	}
	entered <- p.enter()
	for job := range p.jobs {
		job()
	}
}

func (p *place) enter() error {
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("making a network namespace: %w", err)
	}
	network, err := os.Open("/proc/thread-self/ns/net")
	p.network = network
	return err
}

// do runs something in the namespace.
func (p *place) do(job func() error) error {
	done := make(chan error, 1)
	p.jobs <- func() { done <- job() }
	return <-done
}

// join makes the pair of interfaces.
func (p *place) join() error {
	pair := &netlink.Veth{
		LinkAttrs: netlink.LinkAttrs{Name: placeLink}, PeerName: placePeer, PeerNamespace: netlink.NsFd(p.network.Fd()),
	}
	if err := netlink.LinkAdd(pair); err != nil {
		return fmt.Errorf("making the interface %s: %w", placeLink, err)
	}
	p.joined = true
	_, err := up(placeLink, nodeSide)
	return err
}

// furnish makes the namespace what place says.
func furnish(ranges []netip.Prefix) error {
	lo, err := up("lo", netip.Prefix{})
	if err != nil {
		return err
	}
	link, err := up(placePeer, placeSide)
	if err != nil {
		return err
	}
	all := &net.IPNet{IP: net.IPv4zero.To4(), Mask: net.CIDRMask(0, 32)}
	if err := netlink.RouteAdd(&netlink.Route{LinkIndex: link, Dst: all, Gw: nodeSide.Addr().AsSlice()}); err != nil {
		return fmt.Errorf("leading services' answers to the node: %w", err)
	}
	for _, r := range ranges {
		route := &netlink.Route{LinkIndex: lo, Dst: ipNet(r), Type: unix.RTN_LOCAL, Scope: netlink.SCOPE_HOST, Table: unix.RT_TABLE_LOCAL}
		if err := netlink.RouteAdd(route); err != nil {
			return fmt.Errorf("taking the addresses of services %s: %w", r, err)
		}
	}
	return nil
}

// lead leads the ranges to the namespace, for the node and for its pods.
func lead(ranges []netip.Prefix) error {
	if err := os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0); err != nil {
		return fmt.Errorf("letting the node forward packets: %w", err)
	}
	link, err := netlink.LinkByName(placeLink)
	if err != nil {
		return fmt.Errorf("looking at the interface %s: %w", placeLink, err)
	}
	for _, r := range ranges {
		route := &netlink.Route{LinkIndex: link.Attrs().Index, Dst: ipNet(r), Gw: placeSide.Addr().AsSlice(), Src: nodeSide.Addr().AsSlice()}
		err := netlink.RouteAdd(route)
		if errors.Is(err, syscall.EEXIST) {
			return fmt.Errorf("this machine has a route to the addresses of services %s already: another cluster has them; choose another range", r)
		}
		if err != nil {
			return fmt.Errorf("leading the addresses of services %s: %w", r, err)
		}
	}
	return nil
}

// up gives an interface an address, if there is one, and sets it up.
func up(name string, address netip.Prefix) (index int, err error) {
	link, err := netlink.LinkByName(name)
	if err == nil && address.IsValid() {
		own := &net.IPNet{IP: address.Addr().AsSlice(), Mask: net.CIDRMask(address.Bits(), address.Addr().BitLen())}
		err = netlink.AddrAdd(link, &netlink.Addr{IPNet: own})
	}
	if err == nil {
		err = netlink.LinkSetUp(link)
	}
	if err != nil {
		return 0, fmt.Errorf("setting up the interface %s: %w", name, err)
	}
	return link.Attrs().Index, nil
}

func ipNet(p netip.Prefix) *net.IPNet {
	p = p.Masked()
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}

// listen opens a port of a service.
func (p *place) listen(ctx context.Context, network, address string) (l net.Listener, err error) {
	err = p.do(func() error {
		l, err = (&net.ListenConfig{}).Listen(ctx, network, address)
		return err
	})
	return l, err
}

// listenPacket opens one for packets.
func (p *place) listenPacket(ctx context.Context, network, address string) (c *net.UDPConn, err error) {
	err = p.do(func() error {
		pc, err := (&net.ListenConfig{}).ListenPacket(ctx, network, address)
		if err == nil {
			c = pc.(*net.UDPConn)
		}
		return err
	})
	return c, err
}

// close removes the place with all that leads to it.
func (p *place) close() {
	if link, err := netlink.LinkByName(placeLink); p.joined && err == nil {
		_ = netlink.LinkDel(link) // else the kernel does it, with the namespace
	}
	p.network.Close()
	close(p.jobs)
}
