// Package endpoint chooses which of a backend's addresses answers a request:
// the one less busy of two drawn at random, the client's own where the service
// has session affinity, and none that cannot be dialled or has fallen silent.
//
// It sends nothing of its own accord. What it knows of an endpoint it has from
// the requests that were given to it: picker.go chooses, state.go remembers
// and backs off, sweep.go and judge.go find those that are frozen. Floor F1.
package endpoint

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/causeway-access/causeway/internal/route"
)

// Picker picks endpoints. It remembers, per address, how many requests are in
// flight and what came of those before; all else comes with the backend. A
// pick takes no lock, but for services with session affinity, where it takes
// one that few clients share.
type Picker struct {
	// Report, if it is set before the first pick, is told what becomes of
	// endpoints, once for each change and by whoever notices it. It must not
	// wait for anything.
	Report func(b *route.Backend, e route.Endpoint, c Change)

	clock   atomic.Uint32          // counts sweeps
	ejected [reasons]atomic.Uint64 // by reason
	states  *route.Table[key, *state]
	groups  *route.Table[*route.Backend, *group]
	sticky  sticky

	mu   sync.Mutex
	born []*group // made since the last sweep; guarded by mu

	sweeping sync.Mutex
	live     []*group // guarded by sweeping
}

// Change is what has become of an endpoint.
type Change int

const (
	// Unreachable: it is set aside, since no connection to it can be made.
	Unreachable Change = iota
	// Frozen: it is set aside, since it takes requests and answers none.
	Frozen
	// Back: it was set aside and answers again.
	Back
)

func (p *Picker) tell(b *route.Backend, e route.Endpoint, c Change) {
	if p.Report != nil {
		p.Report(b, e, c)
	}
}

// key identifies an address over all backends.
type key struct {
	addr netip.AddrPort
	host string
}

// New returns a Picker. Sweep is to be called every SweepInterval.
func New() *Picker {
	return &Picker{
		states: route.NewTable[key, *state](),
		groups: route.NewTable[*route.Backend, *group](),
	}
}

// Ask says for what an endpoint is wanted.
type Ask struct {
	// Client is the address that session affinity goes by.
	Client netip.Addr
	// Tried are the endpoints at which the request has failed already.
	Tried []route.Endpoint
	// Repeatable is set for a request that may be sent again after it was sent
	// whole: one without a body, whose method is idempotent. Only such a one
	// tries whether an endpoint that was silent answers again, since it can
	// be taken back from there.
	Repeatable bool
	// Blind is set if nobody will tell what came of it, as of a redirect. It
	// tries nothing.
	Blind bool
}

// Pick returns an endpoint of b; false if all of them were tried already.
// Endpoints that are set aside are picked if there is no other, so that a
// service whose every endpoint failed is tried all the same; else only by the
// one request that, after the back-off, finds out whether they are back.
//
// What is known of the endpoints of a service together is kept by the pointer
// b: it is to be the same one until the backend changes.
func (p *Picker) Pick(b *route.Backend, a Ask) (Lease, bool) {
	switch {
	case len(b.Endpoints) == 0:
		return Lease{}, false
	case b.Resource != route.Services:
		return p.only(b, a)
	}
	g := p.group(b)
	if b.Affinity > 0 {
		return p.pickStuck(g, a)
	}
	return g.pick(a)
}

// only is Pick for a pod or a node. Of these there may be a backend for each
// port that anybody asks for, so that nothing is kept by them.
func (p *Picker) only(b *route.Backend, a Ask) (Lease, bool) {
	e := b.Endpoints[0]
	if slices.Contains(a.Tried, e) {
		return Lease{}, false
	}
	return lease(b, e, p.state(e)), true
}

// pickStuck returns the endpoint that the client was given before, if it is
// still one of the backend's and not set aside. Else he gets another one, and
// keeps that, also when the first is back.
func (p *Picker) pickStuck(g *group, a Ask) (Lease, bool) {
	b, now := g.backend, time.Now()
	k := stickyKey(b, a.Client)
	before, known := p.sticky.find(k, now)
	if known {
		if l, ok := g.take(before, a, now); ok {
			p.sticky.keep(k, before, now.Add(b.Affinity))
			return l, true
		}
	}
	l, ok := g.pick(a)
	if !ok {
		return l, false
	}
	// Requests of one client that come side by side are to agree.
	agreed := p.sticky.settle(k, before, l.Endpoint, now, now.Add(b.Affinity))
	if agreed != l.Endpoint {
		if other, ok := g.take(agreed, a, now); ok {
			l.Unused()
			return other, true
		}
	}
	return l, true
}

// Len returns how many addresses are remembered.
func (p *Picker) Len() int { return p.states.Len() }

func (p *Picker) state(e route.Endpoint) *state {
	return p.states.LoadOrStore(key{e.Addr, e.Host}, func() *state { return &state{of: p} })
}

// group returns what is known of the backend's endpoints.
func (p *Picker) group(b *route.Backend) *group {
	g, ok := p.groups.Load(b)
	if !ok {
		g = p.groups.LoadOrStore(b, func() *group { return p.newGroup(b) })
	}
	if !g.used.Load() {
		g.used.Store(true)
	}
	return g
}

func (p *Picker) newGroup(b *route.Backend) *group {
	g := &group{backend: b, states: make([]*state, len(b.Endpoints)), views: make([]view, len(b.Endpoints))}
	for i, e := range b.Endpoints {
		g.states[i] = p.state(e)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.born = append(p.born, g)
	return g
}

// draw returns two different numbers below n, which is at least 2.
func draw(n int) (int, int) {
	r := rand.Uint64()
	i := int((r >> 32) * uint64(n) >> 32)
	j := int(uint64(uint32(r)) * uint64(n-1) >> 32)
	if j >= i {
		j++
	}
	return i, j
}
