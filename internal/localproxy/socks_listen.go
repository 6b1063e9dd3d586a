package localproxy

import (
	"context"
	"net"
	"sync"
	"time"

	"github.com/causeway-access/causeway/internal/conn"
)

// firstTime bounds the wait for a connection's first byte.
const firstTime = time.Minute

// WithSOCKS returns a listener that serves SOCKS5 beside HTTP: a connection
// whose first byte is 5, with which no request and no TLS session begins, is
// served here, and others are accepted from it. No page in a browser can have
// that byte sent first.
func (p *Proxy) WithSOCKS(l net.Listener) net.Listener {
	s := &sniffing{Listener: l, tunnels: p.tunnels, accepted: make(chan net.Conn)}
	s.life, s.stop = context.WithCancelCause(context.Background())
	s.running.Go(s.accept)
	return s
}

type sniffing struct {
	net.Listener
	tunnels  *tunnels
	accepted chan net.Conn
	life     context.Context // ends with the error of accepting
	stop     context.CancelCauseFunc
	running  sync.WaitGroup
}

// accept accepts connections until the listener below fails.
func (s *sniffing) accept() {
	for {
		c, err := s.Listener.Accept()
		if err != nil {
			s.stop(err)
			return
		}
		s.running.Go(func() { s.sniff(c) })
	}
}

// sniff reads a connection's first byte and gives it to whom it concerns.
func (s *sniffing) sniff(c net.Conn) {
	giveUp := context.AfterFunc(s.life, func() { c.Close() })
	first := make([]byte, 1)
	err := c.SetReadDeadline(time.Now().Add(firstTime))
	if err == nil {
		_, err = c.Read(first)
	}
	if err == nil {
		err = c.SetReadDeadline(time.Time{})
	}
	if !giveUp() || err != nil {
		c.Close()
		return
	}
	c = conn.WithAhead(c, first)
	if first[0] == socksVersion {
		s.tunnels.running.Go(func() { s.tunnels.serveSOCKS(c) })
		return
	}
	select {
	case s.accepted <- c:
	case <-s.life.Done():
		c.Close()
	}
}

// Accept returns the next connection that is not SOCKS.
func (s *sniffing) Accept() (net.Conn, error) {
	select {
	case c := <-s.accepted:
		return c, nil
	case <-s.life.Done():
		return nil, context.Cause(s.life)
	}
}

// Close closes the listener below.
func (s *sniffing) Close() error {
	err := s.Listener.Close()
	s.stop(net.ErrClosed)
	s.running.Wait()
	return err
}
