package dns

import (
	"errors"
	"net"
	"net/netip"
	"slices"
	"syscall"
)

// Sockets are a port on which a server listens for packets and for streams.
type Sockets struct {
	Packets net.PacketConn
	Streams net.Listener
}

// anyPortTries is how often a port is looked for that is free for both.
const anyPortTries = 20

// Listen takes a HOST:PORT for UDP and TCP; with port 0 any that is free for
// both. The address must be an IP or empty, which means all of this machine.
func Listen(address string) (*Sockets, error) {
	var err error
	for range anyPortTries {
		var s *Sockets
		if s, err = listen(address); err == nil {
			return s, nil
		}
		if _, port, split := net.SplitHostPort(address); split != nil || port != "0" || !errors.Is(err, syscall.EADDRINUSE) {
			break
		}
	}
	return nil, err
}

func listen(address string) (*Sockets, error) {
	streams, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	packets, err := net.ListenPacket("udp", streams.Addr().String())
	if err != nil {
		_ = streams.Close() // err is what is wrong
		return nil, err
	}
	return &Sockets{Packets: packets, Streams: streams}, nil
}

// Addr is where the sockets listen; the address may be unspecified.
func (s *Sockets) Addr() netip.AddrPort {
	if a, ok := s.Streams.Addr().(*net.TCPAddr); ok {
		p := a.AddrPort()
		return netip.AddrPortFrom(p.Addr().Unmap(), p.Port())
	}
	return netip.AddrPort{}
}

// Close closes both.
func (s *Sockets) Close() error { return errors.Join(s.Packets.Close(), s.Streams.Close()) }

// owns reports whether what is sent to an address arrives here.
func (s *Sockets) owns(to netip.AddrPort) bool {
	at := s.Addr()
	if to.Port() != at.Port() {
		return false
	}
	if !at.Addr().IsUnspecified() {
		return to.Addr() == at.Addr()
	}
	if to.Addr().IsLoopback() || to.Addr().IsUnspecified() {
		return true
	}
	local, err := net.InterfaceAddrs()
	return err == nil && slices.ContainsFunc(local, func(a net.Addr) bool {
		p, err := netip.ParsePrefix(a.String())
		return err == nil && p.Addr().WithZone("") == to.Addr().WithZone("")
	})
}
