package endpoint

import (
	"slices"
	"time"

	"github.com/causeway-access/causeway/internal/route"
)

// SweepInterval is how often Sweep is to be called. Sweeps are the clock by
// which endpoints are judged, so that a gateway that itself stood still does
// not blame them.
const SweepInterval = 500 * time.Millisecond

const (
	// forgetEvery is every how many sweeps the unused is looked for.
	forgetEvery = uint32(time.Minute / SweepInterval)
	// forgetAfter is how many times in a row it is found unused before it is
	// forgotten: longer than the longest back-off.
	forgetAfter = 5
)

// Sweep judges the endpoints that were used lately, and forgets the others. It
// returns those at which requests wait in vain, since they are frozen or not to
// be reached: what can be repeated of these is to be taken back.
func (p *Picker) Sweep() []route.Endpoint {
	p.sweeping.Lock()
	defer p.sweeping.Unlock()
	clock, now := p.clock.Add(1), time.Now()
	p.mu.Lock()
	p.live, p.born = append(p.live, p.born...), nil
	p.mu.Unlock()
	for _, g := range p.live {
		for _, s := range g.states {
			s.note(clock)
		}
	}
	var stuck []route.Endpoint
	for _, g := range p.live {
		g.judge(now, func(i int) {
			if e := g.backend.Endpoints[i]; !slices.Contains(stuck, e) {
				stuck = append(stuck, e)
			}
		})
	}
	if clock%forgetEvery == 0 {
		p.forget(clock, now)
	}
	return stuck
}

// forget drops the groups that were not used since the last time, the
// addresses that are in no group and have not been used for long, and the
// affinities that have run out. An address that is forgotten in the moment in
// which it is picked loses that request from its count, and nothing else.
func (p *Picker) forget(clock uint32, now time.Time) {
	p.live = slices.DeleteFunc(p.live, func(g *group) bool {
		if g.used.Swap(false) {
			return false
		}
		p.groups.Delete(g.backend)
		return true
	})
	p.states.DeleteFunc(func(_ key, s *state) bool {
		if s.noted && s.seen == clock {
			return false // it is in a group, or was until now
		}
		if load := s.load.Load(); uint32(load) > 0 || load != s.loadSeen {
			s.loadSeen, s.idle = load, 0
			return false
		}
		s.idle++
		return s.idle >= forgetAfter
	})
	p.sticky.sweep(now)
}

// Ejections returns how often endpoints have been set aside because they could
// not be dialled, and because they were frozen.
func (p *Picker) Ejections() (dial, silence uint64) {
	return p.ejected[unreachable].Load(), p.ejected[frozen].Load()
}
