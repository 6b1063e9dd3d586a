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
type Clients struct {
	cfg    Config
	opened chan struct{}
	first  sync.Once
	life   context.Context
	end    context.CancelFunc
	ended  sync.WaitGroup

	mu     sync.Mutex
	wanted []string
	all    map[string]*member // by the address that it dials
}

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
	c := &Clients{cfg: cfg, opened: make(chan struct{}), all: map[string]*member{}}
	c.life, c.end = context.WithCancel(context.Background())
	return c, nil
}

// Lead says where the servers are, HOST:PORT each: from now on there is a tunnel
// to each of them. One that is not named any more keeps its tunnel until that
// ends. A server may have several addresses: it gets one tunnel.
func (c *Clients) Lead(servers []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wanted = slices.Clone(servers)
	for address, m := range c.all {
		left := !slices.Contains(servers, address)
		if m.leaving.Store(left); left && !m.Connected() {
			m.stop()
		}
	}
	for _, address := range servers {
		c.begin(address)
	}
}

// begin has a tunnel kept open, if it is not. The caller holds mu.
func (c *Clients) begin(address string) {
	if c.all[address] != nil || c.life.Err() != nil {
		return
	}
	cfg := c.cfg
	cfg.Server = address
	m := &member{Client: &Client{cfg: cfg, opened: make(chan struct{})}}
	m.others = func() []string { return c.connected(m) }
	ctx, stop := context.WithCancel(c.life)
	m.stop = stop
	c.all[address] = m
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
		delete(c.all, address)
		if slices.Contains(c.wanted, address) { // again, meanwhile
			c.begin(address)
		}
	})
}

// connected are the servers, as they call themselves, to which others than m
// have a tunnel.
func (c *Clients) connected(m *member) (names []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, other := range c.all {
		if name := other.name.Load(); other != m && name != nil {
			names = append(names, *name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Opened is closed when the first tunnel has been open for the first time.
func (c *Clients) Opened() <-chan struct{} { return c.opened }

// Connected tells whether any of the tunnels is open.
func (c *Clients) Connected() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, m := range c.all {
		if m.Connected() {
			return true
		}
	}
	return false
}

// Missing are the addresses, of those that were told, of servers to which there
// is no tunnel.
func (c *Clients) Missing() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var list []string
	for _, address := range slices.Sorted(maps.Keys(c.all)) {
		if m := c.all[address]; !m.Connected() && !m.another.Load() && !m.leaving.Load() {
			list = append(list, address)
		}
	}
	return list
}

// Close ends the tunnels, and all that goes through them.
func (c *Clients) Close() {
	c.end()
	c.ended.Wait()
}
