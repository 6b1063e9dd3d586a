package userspace

import (
	"fmt"
	"net"
	"sync"
	"syscall"

	"golang.org/x/net/ipv4"
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
		b.out[i].Buffers = make([][]byte, 1)
	}
	return b
}}

// copies returns some of the packets that were read as ones to be written to
// an address; nil is that of a connected socket's peer.
func (b *batch) copies(first, last int, to net.Addr) []ipv4.Message {
	out := b.out[:last-first]
	for i := range out {
		read := &b.in[first+i]
		out[i].Buffers[0], out[i].Addr = read.Buffers[0][:read.N], to
	}
	return out
}

// socket reads and writes packets in batches. (Package ipv4 does this for
// sockets of either family.)
type socket struct {
	*net.UDPConn
	raw     syscall.RawConn
	batched *ipv4.PacketConn
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
	return &socket{udp, raw, ipv4.NewPacketConn(udp)}, nil
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
