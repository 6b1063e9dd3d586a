package conn

import (
	"net"
	"net/netip"
)

// Reset closes a connection so that the peer cannot mistake it for the end of
// what was to be said: TCP sends a reset (RFC 9293, section 3.10.7.4).
func Reset(c net.Conn) {
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // it may have been closed just now
	}
	c.Close()
}

// AddrPort is the address and port of a peer of TCP or UDP, one of IPv4 as such;
// the zero one if it has none.
func AddrPort(a net.Addr) netip.AddrPort {
	var at netip.AddrPort
	switch a := a.(type) {
	case *net.TCPAddr:
		at = a.AddrPort()
	case *net.UDPAddr:
		at = a.AddrPort()
	}
	return netip.AddrPortFrom(at.Addr().Unmap(), at.Port())
}
