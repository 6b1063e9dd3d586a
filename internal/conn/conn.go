// Package conn holds what the access path needs of connections: the func type
// by which everything dials, the two-way copy behind upgrades, and an
// in-memory network for tests. Floor F0.
package conn

import (
	"context"
	"net"
)

// DialFunc opens a connection, as net.Dialer.DialContext does. A tunnel or an
// in-memory network are others.
type DialFunc func(ctx context.Context, network, address string) (net.Conn, error)

// HalfCloser is a connection that can say "no more from me" and still read.
// *net.TCPConn, *net.UnixConn and *tls.Conn can.
type HalfCloser interface {
	CloseWrite() error
}
