//go:build !unix

package transport

import "net"

// newTCPLink returns nil: what the system's poller does is hidden here.
func newTCPLink(*net.TCPConn) link { return nil }

// poller stands for one that would have to wait to know.
type poller struct{}

func (poller) read(*net.TCPConn, []byte) (int, error) { return 0, errNothing }
