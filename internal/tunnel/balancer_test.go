package tunnel

import (
	"io"
	"net"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// balancer is one address before several servers, which it gives connections
// in turn, and those that are not there none.
type balancer struct {
	address string

	mu      sync.Mutex
	servers []string
	turn    int
}

func newBalancer(t *testing.T, servers ...string) *balancer {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := &balancer{address: l.Addr().String(), servers: servers}
	var all sync.WaitGroup
	t.Cleanup(func() { l.Close(); all.Wait() })
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() { b.pass(c) })
		}
	})
	return b
}

func (b *balancer) pass(c net.Conn) {
	defer c.Close()
	b.mu.Lock()
	to := b.servers[b.turn%len(b.servers)]
	b.turn++
	b.mu.Unlock()
	s, err := net.Dial("tcp", to)
	if err != nil {
		return
	}
	defer s.Close()
	back := make(chan struct{})
	go func() {
		defer close(back)
		_, _ = io.Copy(c, s)
		c.Close()
	}()
	_, _ = io.Copy(s, c)
	s.Close()
	<-back
}

// count is how many tunnels there are by an address, and how many members.
func (c *Clients) count(at string) (open, members int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	a := c.all[at]
	if a == nil {
		return 0, 0
	}
	for _, m := range a.members {
		if m.Connected() {
			open++
		}
	}
	return open, len(a.members)
}

// Three servers are behind one address, by which alone the node reaches them.
// Each gets one tunnel, and one that has died and comes again a new one.
func TestEachServerBehindABalancerHasATunnel(t *testing.T) {
	t.Parallel()
	names := []string{"192.0.2.1:6443", "192.0.2.2:6443", "192.0.2.3:6443"}
	one, two, three := newAPIServer(t, names[0]), newAPIServer(t, names[1]), newAPIServer(t, names[2])
	b := newBalancer(t, one.address, two.address, three.address)
	c := newClients(t)
	c.Lead([]string{b.address}, nil)
	<-c.Opened()
	if _, members := c.count(b.address); members != 1 {
		t.Errorf("%d members before any server is named", members)
	}
	c.Lead([]string{b.address}, names)
	all := func(servers ...*apiServer) func() bool {
		return func() bool {
			for _, s := range servers {
				if !s.reaches(t) {
					return false
				}
			}
			open, members := c.count(b.address)
			return open == len(servers) && (len(servers) < len(names) || members == open)
		}
	}
	until(t, "each has one tunnel", all(one, two, three))
	if missing := c.Missing(); len(missing) > 0 {
		t.Errorf("%v are missing", missing)
	}
	if by := c.By(names[1]); by != b.address {
		t.Errorf("the second is reached by %q", by)
	}

	two.end()
	until(t, "the others have theirs, and it is missing", func() bool {
		return all(one, three)() && cmp.Equal(names[1:2], c.Missing()) && c.By(names[1]) == ""
	})
	again := newAPIServer(t, names[1])
	b.mu.Lock()
	b.servers[1] = again.address
	b.mu.Unlock()
	until(t, "it has one when it is back", all(one, again, three))

	c.Lead([]string{b.address}, names[:2])
	three.end()
	until(t, "nobody looks for one that is named no more", func() bool {
		_, members := c.count(b.address)
		return members == 2 && len(c.Missing()) == 0
	})
}
