package tunnel

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
)

// Clients are a node's ends of its tunnels to all API servers of the cluster.
// Each server has one of its own, since each serves people by itself.
//
// An address may be that of a balancer, which leads to one of several servers.
// As long as a server that the cluster names has no tunnel, such an address is
// dialled again and again, each time with the names of those that have one: they
// refuse.
type Clients struct {
	cfg    Config
	opened chan struct{}
	first  sync.Once
	life   context.Context
	end    context.CancelFunc
	ended  sync.WaitGroup

	mu     sync.Mutex
	wanted []string // addresses that are dialled
	named  []string // servers, as they call themselves
	all    map[string]*address
}

// address is one that is dialled. The first of its members is always there,
// others as long as they have a tunnel or look for one.
type address struct {
	alone   chan struct{}
	members []*member
}

// member is one tunnel, or the attempt to have one.
type member struct {
	*Client
	stop context.CancelFunc
}

// NewClients makes a node's ends. The server of cfg is left out. Close ends
// them.
func NewClients(cfg Config) (*Clients, error) {
	if cfg.Server != "" {
		return nil, errors.New("configuring tunnels: the servers are told by Lead")
	}
	if err := cfg.complete(); err != nil {
		return nil, err
	}
	c := &Clients{cfg: cfg, opened: make(chan struct{}), all: map[string]*address{}}
	c.life, c.end = context.WithCancel(context.Background())
	return c, nil
}

// Lead says where servers are, HOST:PORT each, and which there are, as they call
// themselves and as far as that is known: from now on there is a tunnel to each
// of them. An address that is not named any more keeps its tunnels until they
// end. A server may have several addresses: it gets one tunnel.
func (c *Clients) Lead(addresses, named []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wanted, c.named = slices.Clone(addresses), slices.Clone(named)
	for at, a := range c.all {
		left := !slices.Contains(addresses, at)
		for i, m := range a.members {
			if m.leaving.Store(left || i > 0 && m.Connected()); left && !m.Connected() {
				m.stop()
			}
		}
	}
	for _, at := range addresses {
		if c.all[at] == nil {
			c.begin(at)
		}
	}
	c.arrange()
}

// begin has one more tunnel kept open by an address. The caller holds mu.
func (c *Clients) begin(at string) {
	if c.life.Err() != nil {
		return
	}
	a := c.all[at]
	if a == nil {
		a = &address{alone: make(chan struct{}, 1)}
		c.all[at] = a
	}
	cfg := c.cfg
	cfg.Server = at
	m := &member{Client: &Client{cfg: cfg, opened: make(chan struct{})}}
	m.group = &group{alone: a.alone, others: func() []string { return c.connected(m) }, incomplete: c.incomplete, changed: c.changed}
	ctx, stop := context.WithCancel(c.life)
	m.stop = stop
	a.members = append(a.members, m)
	c.ended.Go(func() {
		select {
		case <-m.Opened():
			c.first.Do(func() { close(c.opened) })
		case <-ctx.Done():
		}
	})
	c.ended.Go(func() {
		_ = m.Run(ctx) // it never fails
		stop()
		c.mu.Lock()
		defer c.mu.Unlock()
		c.forget(at, m)
	})
}

// forget is called when a member has ended, with mu held.
func (c *Clients) forget(at string, m *member) {
	a := c.all[at]
	a.members = slices.DeleteFunc(a.members, func(o *member) bool { return o == m })
	if len(a.members) == 0 {
		delete(c.all, at)
		if slices.Contains(c.wanted, at) { // again, meanwhile
			c.begin(at)
		}
	}
	c.arrange()
}

// changed is called when a tunnel is open, or has ended.
func (c *Clients) changed() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.arrange()
}

// arrange has addresses that lead to several servers dialled once more if there
// are servers without a tunnel, and not if there are none. The caller holds mu.
func (c *Clients) arrange() {
	missing := c.unreached(c.named)
	for _, at := range c.wanted {
		a := c.all[at]
		if a == nil {
			continue
		}
		looking, several := false, false
		for i, m := range a.members {
			name := m.name.Load()
			switch {
			case m.Connected():
				several = several || name != nil && *name != at
				m.leaving.Store(i > 0)
			case i > 0 && len(missing) == 0:
				m.stop()
			default:
				looking = true
			}
		}
		if several && !looking && len(missing) > 0 && len(a.members) <= len(c.named) {
			c.begin(at)
		}
	}
}

// connected are the servers, as they call themselves, to which others than m
// have a tunnel.
func (c *Clients) connected(m *member) (names []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, a := range c.all {
		for _, other := range a.members {
			if name := other.name.Load(); other != m && name != nil {
				names = append(names, *name)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func (c *Clients) incomplete() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.unreached(c.named)) > 0
}

// unreached are those servers that have no tunnel. The caller holds mu.
func (c *Clients) unreached(servers []string) (list []string) {
	for _, server := range servers {
		if c.by(server) == "" {
			list = append(list, server)
		}
	}
	return list
}

// by is the address by which a server has its tunnel; empty if it has none. The
// caller holds mu.
func (c *Clients) by(server string) string {
	for at, a := range c.all {
		for _, m := range a.members {
			if name := m.name.Load(); m.Connected() && (at == server || name != nil && *name == server) {
				return at
			}
		}
	}
	return ""
}

// By is the address by which a server, as it calls itself, has its tunnel; empty
// if it has none.
func (c *Clients) By(server string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.by(server)
}

// Opened is closed when the first tunnel has been open for the first time.
func (c *Clients) Opened() <-chan struct{} { return c.opened }

// Connected tells whether any of the tunnels is open.
func (c *Clients) Connected() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, a := range c.all {
		if slices.ContainsFunc(a.members, func(m *member) bool { return m.Connected() }) {
			return true
		}
	}
	return false
}

// Missing are the servers to which there is no tunnel: of those that the cluster
// names, or, before it has named any, of the addresses that were told.
func (c *Clients) Missing() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.named) > 0 {
		return c.unreached(c.named)
	}
	var list []string
	for _, at := range slices.Sorted(maps.Keys(c.all)) {
		open := func(m *member) bool { return m.Connected() || m.another.Load() || m.leaving.Load() }
		if !slices.ContainsFunc(c.all[at].members, open) {
			list = append(list, at)
		}
	}
	return list
}

// Close ends the tunnels, and all that goes through them.
func (c *Clients) Close() {
	c.end()
	c.ended.Wait()
}
