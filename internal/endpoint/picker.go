// Package endpoint chooses which of a backend's addresses answers a request:
// the one less busy of two drawn at random, the client's own where the service
// has session affinity, and none that lately refused to be dialled. Floor F1.
package endpoint

import (
	"math/rand/v2"
	"net/netip"
	"time"

	"github.com/causeway-access/causeway/internal/route"
)

// Picker picks endpoints. It remembers, per address, how many requests are in
// flight and whether dials fail; all else comes with the backend. No lock is
// shared by all requests.
type Picker struct {
	states *route.Table[key, *state]
	sticky sticky
}

// key identifies an address over all backends.
type key struct {
	addr netip.AddrPort
	host string
}

// New returns a Picker. Call Sweep from time to time to have it forget
// addresses that are gone.
func New() *Picker {
	return &Picker{states: route.NewTable[key, *state]()}
}

// Lease is one endpoint, picked for one attempt of one request. Done must be
// called exactly once.
type Lease struct {
	Endpoint route.Endpoint
	state    *state
}

// Done ends the attempt.
func (l Lease) Done() { l.state.inflight.Add(-1) }

// Failed reports that the endpoint could not be reached: it is set aside for a
// while, twice as long each time.
func (l Lease) Failed() { l.state.fail(time.Now()) }

// Reached reports that the endpoint answered: it is no longer set aside.
func (l Lease) Reached() { l.state.reached() }

// Pick returns an endpoint of b for a client; false if all of them were tried
// already. Endpoints that are set aside are picked only when there is no
// other, so that a service whose every endpoint failed is tried all the same.
func (p *Picker) Pick(b *route.Backend, client netip.Addr, tried []route.Endpoint) (Lease, bool) {
	now := time.Now()
	if b.Affinity > 0 {
		if l, ok := p.stuck(b, client, tried, now); ok {
			return l, true
		}
	}
	l, ok := p.balanced(b.Endpoints, tried, now)
	if ok && b.Affinity > 0 {
		p.sticky.keep(stickyKey(b, client), l.Endpoint, now.Add(b.Affinity))
	}
	return l, ok
}

// stuck returns the endpoint that the client was given before, if it is still
// one of the backend's and can be reached.
func (p *Picker) stuck(b *route.Backend, client netip.Addr, tried []route.Endpoint, now time.Time) (Lease, bool) {
	k := stickyKey(b, client)
	e, ok := p.sticky.find(k, now)
	if !ok || contains(tried, e) || !contains(b.Endpoints, e) {
		return Lease{}, false
	}
	s := p.state(e)
	if !s.admits(now) {
		return Lease{}, false
	}
	p.sticky.keep(k, e, now.Add(b.Affinity))
	return lease(e, s), true
}

// balanced draws two and takes the less busy. If a drawn one cannot be used,
// all are looked at in turn from a random place on.
func (p *Picker) balanced(all, tried []route.Endpoint, now time.Time) (Lease, bool) {
	n := len(all)
	if n >= 2 {
		i, j := rand.IntN(n), rand.IntN(n-1)
		if j >= i {
			j++
		}
		a, b := all[i], all[j]
		sa, sb := p.state(a), p.state(b)
		if sa.healthy() && sb.healthy() && !contains(tried, a) && !contains(tried, b) {
			if sb.inflight.Load() < sa.inflight.Load() {
				return lease(b, sb), true
			}
			return lease(a, sa), true
		}
	}
	return p.scan(all, tried, now)
}

// scan returns the least busy of the endpoints that admit a request, or the
// one that is to be tried again soonest.
func (p *Picker) scan(all, tried []route.Endpoint, now time.Time) (Lease, bool) {
	var best, soonest Lease
	if len(all) == 0 {
		return best, false
	}
	start := rand.IntN(len(all))
	for i := range all {
		e := all[(start+i)%len(all)]
		if contains(tried, e) {
			continue
		}
		s := p.state(e)
		if s.due(now) {
			if best.state == nil || s.prefer(best.state) {
				best = Lease{e, s}
			}
		} else if soonest.state == nil || s.until.Load() < soonest.state.until.Load() {
			soonest = Lease{e, s}
		}
	}
	if best.state != nil && best.state.admits(now) {
		return lease(best.Endpoint, best.state), true
	}
	if best.state == nil {
		best = soonest
	}
	if best.state == nil {
		return Lease{}, false
	}
	return lease(best.Endpoint, best.state), true
}

// Sweep forgets what is no longer of use: addresses that carry no request and
// were not picked for a while, and affinity that has run out.
func (p *Picker) Sweep() {
	now := time.Now()
	p.states.DeleteFunc(func(_ key, s *state) bool { return s.idle(now) })
	p.sticky.sweep(now)
}

// Len returns how many addresses are remembered.
func (p *Picker) Len() int { return p.states.Len() }

func (p *Picker) state(e route.Endpoint) *state {
	return p.states.LoadOrStore(key{e.Addr, e.Host}, func() *state { return new(state) })
}

func lease(e route.Endpoint, s *state) Lease {
	s.inflight.Add(1)
	return Lease{Endpoint: e, state: s}
}

func contains(list []route.Endpoint, e route.Endpoint) bool {
	for i := range list {
		if list[i] == e {
			return true
		}
	}
	return false
}
