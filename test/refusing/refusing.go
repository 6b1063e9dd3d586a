//go:build unix

// Package refusing gives addresses that refuse connections until the test ends.
// A port on which somebody listened a moment ago is given to the next who wants
// one, which may be another test's server; here it stays taken, and nobody
// listens.
package refusing

import (
	"net/netip"
	"os"
	"syscall"
	"testing"
)

// Address is one of ip with a port on which nobody listens.
func Address(t testing.TB, ip string) netip.AddrPort {
	t.Helper()
	addr := netip.MustParseAddr(ip)
	fd, err := socket()
	if err != nil {
		t.Fatal(os.NewSyscallError("socket", err))
	}
	t.Cleanup(func() { _ = syscall.Close(fd) })
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: addr.As4()}); err != nil {
		t.Fatal(os.NewSyscallError("bind", err))
	}
	bound, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(os.NewSyscallError("getsockname", err))
	}
	return netip.AddrPortFrom(addr, uint16(bound.(*syscall.SockaddrInet4).Port)) //nolint:gosec // it is a port
}

// socket is one of TCP that programs which are started do not inherit.
func socket() (int, error) {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err == nil {
		syscall.CloseOnExec(fd)
	}
	return fd, err
}
