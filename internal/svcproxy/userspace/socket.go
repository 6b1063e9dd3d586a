package userspace

import (
	"fmt"
	"net"
	"net/netip"
	"sync"
	"syscall"

	"golang.org/x/net/ipv4"

	"github.com/causeway-access/causeway/internal/conn"
)

const (
	// batchSize is how many packets are read and written by one call of the
	// system, where it can do that.
	batchSize = 32
	// packetSize is that of the largest packet that there can be.
	packetSize = 64 << 10
)

// batch is what packets are read into. It is large, but few are used at a time:
// a socket has none while it waits.
type batch struct{ in, out []ipv4.Message }

var batches = sync.Pool{New: func() any {
	b := &batch{in: make([]ipv4.Message, batchSize), out: make([]ipv4.Message, batchSize)}
	for i := range b.in {
		b.in[i].Buffers = [][]byte{make([]byte, packetSize)}
		b.in[i].OOB = ipv4.NewControlMessage(ipv4.FlagDst)
		b.out[i].Buffers = make([][]byte, 1)
	}
	return b
}}

// peer is whom packets are written to; the zero value is that of a connected
// socket.
type peer struct {
	addr net.Addr
	from []byte // a control message that says from which address
}

// peer is the client, who is answered from the address that he has written to:
// he takes no other's answers.
func (p pair) peer() peer {
	to := peer{addr: net.UDPAddrFromAddrPort(p.client)}
	if p.local.IsValid() {
		to.from = (&ipv4.ControlMessage{Src: p.local.AsSlice()}).Marshal()
	}
	return to
}

// copies returns some of the packets that were read as ones to be written.
func (b *batch) copies(first, last int, to peer) []ipv4.Message {
	out := b.out[:last-first]
	for i := range out {
		read := &b.in[first+i]
		out[i].Buffers[0], out[i].Addr = read.Buffers[0][:read.N], to.addr
		out[i].OOB = to.from
	}
	return out
}

// socket reads and writes packets in batches. (Package ipv4 does this for
// sockets of either family.)
type socket struct {
	*net.UDPConn
	raw     syscall.RawConn
	batched *ipv4.PacketConn
	// local: it is bound to all addresses, and packets come with the one that
	// they were sent to.
	local bool
}

func newSocket(c net.Conn) (*socket, error) {
	udp, ok := c.(*net.UDPConn)
	if !ok {
		return nil, fmt.Errorf("%T is no UDP socket", c)
	}
	raw, err := udp.SyscallConn()
	if err != nil {
		return nil, err
	}
	return &socket{UDPConn: udp, raw: raw, batched: ipv4.NewPacketConn(udp)}, nil
}

// tellLocal has packets come with the address that they were sent to.
func (s *socket) tellLocal() error {
	s.local = true
	if err := s.batched.SetControlMessage(ipv4.FlagDst, true); err != nil {
		return fmt.Errorf("asking for the addresses that packets are sent to: %w", err)
	}
	return nil
}

// pair tells between whom a packet was that has been read.
func (s *socket) pair(m *ipv4.Message) pair {
	p := pair{client: conn.AddrPort(m.Addr)}
	if !s.local {
		return p
	}
	var c ipv4.ControlMessage
	if c.Parse(m.OOB[:m.NN]) == nil {
		p.local, _ = netip.AddrFromSlice(c.Dst.To4())
	}
	return p
}

// read waits for packets and calls use with them.
func (s *socket) read(use func(b *batch, n int)) error {
	if err := wait(s.raw); err != nil {
		return err
	}
	b := batches.Get().(*batch)
	defer batches.Put(b)
	n, err := s.batched.ReadBatch(b.in, 0)
	if n > 0 {
		use(b, n)
	}
	return err
}

// write writes all packets, or as many as it can.
func (s *socket) write(packets []ipv4.Message) error {
	for len(packets) > 0 {
		n, err := s.batched.WriteBatch(packets, 0)
		if err != nil {
			return err
		}
		packets = packets[n:]
	}
	return nil
}

func (s *socket) close() { s.UDPConn.Close() }
