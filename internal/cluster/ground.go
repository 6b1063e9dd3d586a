package cluster

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"syscall"

	"github.com/causeway-access/causeway/internal/gateway"
	"github.com/causeway-access/causeway/internal/lockfile"
	"github.com/causeway-access/causeway/internal/privatefile"
)

func (c *Cluster) takeDataDir(context.Context) error {
	if err := os.MkdirAll(c.DataDir, 0o700); err != nil {
		return fmt.Errorf("%w: choose a directory that you may write with --data-dir", err)
	}
	lock, err := lockfile.Acquire(c.DataDir)
	if errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("%w: choose a directory that you may write with --data-dir", err)
	}
	if err != nil {
		return err
	}
	c.lock = lock
	c.onStop(func(context.Context) error { return lock.Release() })
	// What a process that was killed has not written to its end would stay for ever.
	return errors.Join(privatefile.Tidy(c.DataDir), privatefile.Tidy(c.path("pki")), privatefile.Tidy(c.path("tokens")))
}

// path is a file or directory of the data directory.
func (c *Cluster) path(elements ...string) string {
	return filepath.Join(append([]string{c.DataDir}, elements...)...)
}

// addresses are where the API is reached.
type addresses struct {
	// local is for clients on this machine, advertised for pods and nodes.
	local, advertised netip.AddrPort
	// bound is what the listener has, possibly unspecified.
	bound netip.AddrPort
}

func (c *Cluster) listen(context.Context) error {
	l, err := net.Listen("tcp", c.Listen)
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("%w: another program has the port; stop it, or choose another with --listen", err)
	}
	if err != nil {
		return err
	}
	if c.listener, err = gateway.LimitConnections(l, c.connectionsPerClient(), c.metrics.Register); err != nil {
		return errors.Join(err, l.Close())
	}
	c.onStop(func(context.Context) error {
		if err := l.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			return err
		}
		return nil
	})
	bound := l.Addr().(*net.TCPAddr).AddrPort()
	c.at, err = c.locate(netip.AddrPortFrom(bound.Addr().Unmap(), bound.Port()))
	return err
}

func (c *Cluster) locate(bound netip.AddrPort) (addresses, error) {
	local, advertised := bound.Addr(), bound.Addr()
	if bound.Addr().IsUnspecified() {
		local = netip.AddrFrom4([4]byte{127, 0, 0, 1})
		if bound.Addr().Is6() && !listensOnIPv4(c.Listen) {
			local = netip.IPv6Loopback()
		}
		var err error
		if advertised, err = firstAddress(local); err != nil {
			return addresses{}, err
		}
	}
	if c.advertise.IsValid() {
		advertised = c.advertise
	}
	return addresses{
		local: netip.AddrPortFrom(local, bound.Port()), advertised: netip.AddrPortFrom(advertised, bound.Port()), bound: bound,
	}, nil
}

// mostConnections bounds the default number of connections per client.
const mostConnections = 16384

// connectionsPerClient leaves half of what this process may open to others.
func (c *Cluster) connectionsPerClient() int {
	switch n := c.Limits.MaxConnectionsPerClient; {
	case n < 0:
		return math.MaxInt
	case n > 0:
		return n
	default:
		return min(openFiles()/2, mostConnections)
	}
}

// listensOnIPv4 tells an empty host, which means both families, from "[::]",
// which on Linux does too, unless the system says otherwise; both are given
// their IPv4 address.
func listensOnIPv4(listen string) bool {
	host, _, err := net.SplitHostPort(listen)
	return err == nil && (host == "" || host == "::" || host == "0.0.0.0")
}

// firstAddress is the first global address of this machine's interfaces that
// are up, IPv4 before IPv6, or fallback if there is none.
func firstAddress(fallback netip.Addr) (netip.Addr, error) {
	all, err := net.InterfaceAddrs()
	if err != nil {
		return netip.Addr{}, fmt.Errorf("looking for this machine's address (give it with --advertise-address): %w", err)
	}
	var second netip.Addr
	for _, a := range all {
		p, err := netip.ParsePrefix(a.String())
		if err != nil || !p.Addr().IsGlobalUnicast() {
			continue
		}
		if p.Addr().Is4() {
			return p.Addr(), nil
		}
		if !second.IsValid() {
			second = p.Addr()
		}
	}
	if second.IsValid() {
		return second, nil
	}
	return fallback, nil
}
