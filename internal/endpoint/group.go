package endpoint

import (
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"time"

	"github.com/causeway-access/causeway/internal/route"
)

// group is the endpoints of one backend with what is remembered of each. Its
// states may be in other groups too: they belong to the addresses.
type group struct {
	backend *route.Backend
	states  []*state    // as backend.Endpoints
	used    atomic.Bool // since forget last looked
	views   []view      // as states; the sweeper's
}

// pick draws two and takes the less busy. One that was drawn and is to be
// tried again is tried. If neither will do, all are looked at.
func (g *group) pick(a Ask) (Lease, bool) {
	switch {
	case len(a.Tried) > 0:
		return g.scan(a, time.Now())
	case len(g.states) == 1:
		return lease(g.backend, g.backend.Endpoints[0], g.states[0]), true
	}
	i, j := draw(len(g.states))
	x, y := g.states[i], g.states[j]
	if x.healthy() && y.healthy() {
		if y.busy() < x.busy() {
			i, x = j, y
		}
		return lease(g.backend, g.backend.Endpoints[i], x), true
	}
	now := time.Now()
	for _, k := range [2]int{i, j} {
		if s := g.states[k]; !s.healthy() && s.tries(now, a) {
			return lease(g.backend, g.backend.Endpoints[k], s), true
		}
	}
	return g.scan(a, now)
}

// scan returns the least busy of the healthy endpoints; if there is none, one
// that is to be tried again; and if there is none either, the one that would
// be next.
func (g *group) scan(a Ask, now time.Time) (Lease, bool) {
	n := len(g.states)
	start := rand.IntN(n)
	best, next := -1, -1
	for k := range n {
		i := (start + k) % n
		s := g.states[i]
		switch {
		case slices.Contains(a.Tried, g.backend.Endpoints[i]):
		case s.healthy():
			if best < 0 || s.busy() < g.states[best].busy() {
				best = i
			}
		case next < 0 || s.aside.Load() < g.states[next].aside.Load():
			next = i
		}
	}
	if best < 0 {
		if best = next; best < 0 {
			return Lease{}, false
		}
		g.states[best].tries(now, a)
	}
	return lease(g.backend, g.backend.Endpoints[best], g.states[best]), true
}

// take returns a lease of the endpoint e, unless it is not of the group, was
// tried, or is set aside and not to be tried by this request. One that is
// merely suspected is no reason for a client to lose his session.
func (g *group) take(e route.Endpoint, a Ask, now time.Time) (Lease, bool) {
	i := slices.Index(g.backend.Endpoints, e)
	if i < 0 || slices.Contains(a.Tried, e) {
		return Lease{}, false
	}
	s := g.states[i]
	if !s.healthy() && s.reason() != suspected && !s.tries(now, a) {
		return Lease{}, false
	}
	return lease(g.backend, e, s), true
}
