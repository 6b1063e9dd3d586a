//go:build !linux

package userspace

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"runtime"
)

type place struct{}

// openPlace says that this needs Linux.
func openPlace(context.Context, []netip.Prefix) (*place, error) {
	return nil, fmt.Errorf("addresses of services can be led to a process by Linux, not by %s", runtime.GOOS)
}

func (*place) listen(context.Context, string, string) (net.Listener, error) {
	return nil, net.ErrClosed
}

func (*place) listenPacket(context.Context, string, string) (*net.UDPConn, error) {
	return nil, net.ErrClosed
}

func (*place) close() {}
