package dns

import (
	"net"
	"sync"

	"github.com/causeway-access/causeway/internal/conn"
	"github.com/causeway-access/causeway/internal/dns/quota"
)

// limited is a listener that closes connections of clients which have too many.
type limited struct {
	net.Listener
	quota *quota.Quota
}

// Accept implements [net.Listener].
func (l *limited) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		client := conn.AddrPort(c.RemoteAddr()).Addr()
		if l.quota.Take(client) {
			return &counted{Conn: c, give: sync.OnceFunc(func() { l.quota.Give(client) })}, nil
		}
		_ = c.Close() // nothing was promised on it
	}
}

// counted is a connection that counts until it is closed.
type counted struct {
	net.Conn
	give func()
}

// Close implements [net.Conn].
func (c *counted) Close() error {
	c.give()
	return c.Conn.Close()
}
