//go:build linux

package userns

import (
	"context"
	"fmt"
	"net"
	"os"
)

// A socket that listens can be passed on like one that is connected: who comes
// to it comes from the network in which it was made, and is accepted in another.

// listenFile is a socket that listens.
func listenFile(ctx context.Context, network, address string) (*os.File, error) {
	var l net.ListenConfig
	switch network {
	case "tcp", "tcp4", "tcp6":
		opened, err := l.Listen(ctx, network, address)
		if err != nil {
			return nil, err
		}
		defer opened.Close() // it goes on listening while it is open elsewhere
		return opened.(*net.TCPListener).File()
	case "udp", "udp4", "udp6":
		opened, err := l.ListenPacket(ctx, network, address)
		if err != nil {
			return nil, err
		}
		defer opened.Close()
		return opened.(*net.UDPConn).File()
	}
	return nil, fmt.Errorf("what listens by %s cannot be passed on", network)
}

// Listen listens in the network of the other process, as
// [net.ListenConfig.Listen] does there, for TCP.
func (o *Outside) Listen(ctx context.Context, network, address string) (net.Listener, error) {
	f, err := o.ask(ctx, wanted{Network: network, Address: address, Listen: true})
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return net.FileListener(f)
}

// ListenPacket is the same for UDP.
func (o *Outside) ListenPacket(ctx context.Context, network, address string) (*net.UDPConn, error) {
	f, err := o.ask(ctx, wanted{Network: network, Address: address, Listen: true})
	if err != nil {
		return nil, err
	}
	defer f.Close()
	c, err := net.FilePacketConn(f)
	if err != nil {
		return nil, err
	}
	udp, ok := c.(*net.UDPConn)
	if !ok {
		c.Close()
		return nil, fmt.Errorf("%T is no UDP socket", c)
	}
	return udp, nil
}
