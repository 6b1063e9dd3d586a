package gateway

import (
	"hash/maphash"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
)

// ConnLimiter is a listener that lets each client have so many connections and
// no more: those beyond are reset before a byte of them is read. A client is an
// IPv4 address or an IPv6 network of 64 bits, which one machine has at least.
type ConnLimiter struct {
	net.Listener
	perClient int
	seed      maphash.Seed
	shards    [64]connCount

	open    atomic.Int64
	refused prometheus.Counter
}

type connCount struct {
	mu sync.Mutex
	n  map[netip.Addr]int
}

// LimitConnections returns l with a limit per client. Register, if given, adds
// its metrics to a registry.
func LimitConnections(l net.Listener, perClient int, register func(prometheus.Collector) error) (*ConnLimiter, error) {
	c := &ConnLimiter{Listener: l, perClient: perClient, seed: maphash.MakeSeed()}
	for i := range c.shards {
		c.shards[i].n = map[netip.Addr]int{}
	}
	c.refused = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "causeway_connections_refused_total", Help: "Connections reset because their client had too many.",
	})
	open := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "causeway_connections", Help: "Client connections that are open.",
	}, func() float64 { return float64(c.open.Load()) })
	if register == nil {
		return c, nil
	}
	if err := register(c.refused); err != nil {
		return nil, err
	}
	return c, register(open)
}

// Accept returns the next connection of a client who may have one more.
func (c *ConnLimiter) Accept() (net.Conn, error) {
	for {
		accepted, err := c.Listener.Accept()
		if err != nil {
			return nil, err
		}
		tcp, ok := accepted.(*net.TCPConn)
		if !ok {
			return accepted, nil // a listener of a test's, without addresses
		}
		who := clientOf(tcp.RemoteAddr())
		if !c.enter(who) {
			c.refused.Inc()
			// An error of either means that it is gone already.
			_ = tcp.SetLinger(0) // reset: no state of it is left here
			_ = tcp.Close()
			continue
		}
		return &limitedConn{TCPConn: tcp, leave: sync.OnceFunc(func() { c.leave(who) })}, nil
	}
}

// limitedConn makes room for another when it is closed.
type limitedConn struct {
	*net.TCPConn
	leave func()
}

// Close closes the connection.
func (c *limitedConn) Close() error {
	c.leave()
	return c.TCPConn.Close()
}

// clientOf returns what stands for the client behind an address.
func clientOf(a net.Addr) netip.Addr {
	tcp, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.Addr{}
	}
	ip := tcp.AddrPort().Addr().Unmap().WithZone("")
	if ip.Is4() {
		return ip
	}
	return netip.PrefixFrom(ip, 64).Masked().Addr()
}

func (c *ConnLimiter) shard(who netip.Addr) *connCount {
	return &c.shards[maphash.Comparable(c.seed, who)%uint64(len(c.shards))]
}

func (c *ConnLimiter) enter(who netip.Addr) bool {
	s := c.shard(who)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.n[who] >= c.perClient {
		return false
	}
	s.n[who]++
	c.open.Add(1)
	return true
}

func (c *ConnLimiter) leave(who netip.Addr) {
	s := c.shard(who)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.n[who]--; s.n[who] == 0 {
		delete(s.n, who)
	}
	c.open.Add(-1)
}
