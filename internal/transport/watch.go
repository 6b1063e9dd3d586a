package transport

import (
	"context"
	"time"

	"github.com/causeway-access/causeway/internal/route"
)

const (
	// tick is how often the connections are looked at. It takes the place of
	// deadlines and watches that each request would have to set and to clear.
	tick           = 250 * time.Millisecond
	ticksPerSecond = int64(time.Second / tick)
	// watchAfter is for how many ticks an exchange is only looked at. One that
	// takes longer is told of the end of its context at once.
	watchAfter = 2
	// reapEvery is how many ticks pass between two looks at idle connections.
	reapEvery = 4
)

// watch has the pool looked at as long as it has connections. The caller holds
// t.mu.
func (t *Transport) watch(p *pool) {
	t.active[p] = struct{}{}
	if t.ticking {
		return
	}
	t.ticking = true
	if t.timer == nil {
		t.timer = time.AfterFunc(tick, t.tick)
	} else {
		t.timer.Reset(tick)
	}
}

// tick looks at all pools that have connections.
func (t *Transport) tick() {
	var dropped []*wire
	now := t.now.Add(1)
	t.mu.Lock()
	for p := range t.active {
		old, empty := p.tick(now)
		dropped = append(dropped, old...)
		if empty {
			delete(t.active, p)
		}
	}
	if t.ticking = len(t.active) > 0; t.ticking {
		t.timer.Reset(tick)
	}
	t.mu.Unlock()
	closeAll(dropped)
}

// tick ends the exchanges that nobody waits for any more, and drops what was
// idle for too long.
func (p *pool) tick(now int64) (dropped []*wire, empty bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.all {
		m := &c.mine
		if !m.busy || m.stop != nil {
			continue
		}
		if m.ctx.Err() != nil {
			c.end()
		} else if now-m.since >= watchAfter {
			gen := m.gen
			m.stop = context.AfterFunc(m.ctx, func() { p.endOf(c, gen) })
		}
	}
	if now%reapEvery == 0 {
		dropped = p.dropIdle(func(c *wire) bool { return now-c.mine.since >= c.mine.keep })
	}
	return dropped, len(p.all) == 0 && len(p.waits) == 0 && (p.closed || p.h2.Load() == nil)
}

// endOf ends the exchange of that generation, if it still goes on.
func (p *pool) endOf(c *wire, gen uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if c.mine.busy && c.mine.gen == gen {
		c.end()
	}
}

// Abandon ends, with a LostError that says Frozen, every exchange with the
// endpoint that waits for the first byte of its response and whose request may
// be sent again; and with a DialError the dials under way. Connections that
// were kept are closed. It is for endpoints that are found to accept
// connections and not to answer; it may be called again at any time.
func (t *Transport) Abandon(e route.Endpoint) {
	var dropped []*wire
	t.mu.Lock()
	for p := range t.active {
		if p.hop.Endpoint == e {
			dropped = append(dropped, p.abandon()...)
		}
	}
	t.mu.Unlock()
	closeAll(dropped)
}

func (p *pool) abandon() (dropped []*wire) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.all {
		// A response that begins at this moment wins or loses as a whole.
		if c.mine.busy && c.mine.repeatable && c.state.CompareAndSwap(waiting, frozen) {
			c.end()
		}
	}
	for w := range p.waits {
		if !w.keep {
			w.cancel(errFrozen)
		}
	}
	if h := p.h2.Load(); h != nil {
		h.renew()
	}
	return p.dropIdle(func(*wire) bool { return true })
}
