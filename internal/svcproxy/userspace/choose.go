package userspace

import (
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/causeway-access/causeway/internal/svcproxy"
)

const (
	// asideFor is how long an endpoint that could not be reached is tried after
	// all others.
	asideFor = 5 * time.Second
	// mostKept bounds the clients whose endpoint is remembered for one port.
	mostKept = 1 << 16
	// firstSweep is how many there are when it is first looked which are over.
	firstSweep = 256
)

// chooser chooses endpoints for one port: in turn, but a client's own where the
// service has session affinity, and those that failed lately last.
type chooser struct {
	mu    sync.Mutex
	rule  *svcproxy.Rule
	turn  int
	aside map[netip.AddrPort]time.Time // until when
	kept  map[netip.Addr]stay
	sweep int // how many of kept there are when those that are over are removed
}

// stay is a client's endpoint.
type stay struct {
	endpoint netip.AddrPort
	until    time.Time
}

// newChooser begins anywhere, lest the nodes of a cluster all begin at the same.
func newChooser(rule *svcproxy.Rule) *chooser {
	return &chooser{rule: rule, turn: rand.IntN(len(rule.Endpoints)), sweep: firstSweep}
}

// follow takes another rule for the one before.
func (c *chooser) follow(rule *svcproxy.Rule) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.rule = rule
	for e := range c.aside {
		if !has(rule, e) {
			delete(c.aside, e)
		}
	}
	if rule.Affinity == 0 {
		c.kept = nil
	}
}

// pick returns an endpoint that is not among those tried; false if there is no
// other. The client keeps it if he is to.
func (c *chooser) pick(client netip.Addr, tried []netip.AddrPort, now time.Time) (netip.AddrPort, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.own(client, tried, now)
	if !ok {
		e, ok = c.inTurn(tried, now)
	}
	if ok && c.rule.Affinity > 0 {
		c.keep(client, e, now)
	}
	return e, ok
}

// own returns the endpoint that the client was given before.
func (c *chooser) own(client netip.Addr, tried []netip.AddrPort, now time.Time) (netip.AddrPort, bool) {
	s, known := c.kept[client]
	ok := known && now.Before(s.until) && has(c.rule, s.endpoint) && !now.Before(c.aside[s.endpoint]) && !slices.Contains(tried, s.endpoint)
	return s.endpoint, ok
}

// inTurn returns the next endpoint that has not failed lately, else the next.
func (c *chooser) inTurn(tried []netip.AddrPort, now time.Time) (netip.AddrPort, bool) {
	n := len(c.rule.Endpoints)
	fallback := -1
	for i := range n {
		at := (c.turn + i) % n
		e := c.rule.Endpoints[at]
		switch {
		case slices.Contains(tried, e):
		case now.Before(c.aside[e]):
			if fallback < 0 {
				fallback = at
			}
		default:
			c.turn = at + 1
			return e, true
		}
	}
	if fallback < 0 {
		return netip.AddrPort{}, false
	}
	c.turn = fallback + 1
	return c.rule.Endpoints[fallback], true
}

// failed tells that an endpoint could not be reached.
func (c *chooser) failed(e netip.AddrPort, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.aside == nil {
		c.aside = map[netip.AddrPort]time.Time{}
	}
	c.aside[e] = now.Add(asideFor)
}

// keep is called with the lock held.
func (c *chooser) keep(client netip.Addr, e netip.AddrPort, now time.Time) {
	if c.kept == nil {
		c.kept = map[netip.Addr]stay{}
	}
	if _, known := c.kept[client]; !known {
		c.makeRoom(now)
	}
	c.kept[client] = stay{e, now.Add(c.rule.Affinity)}
}

// makeRoom forgets clients whose time is over whenever twice as many have come,
// and if there are too many all the same, one of a few that was not seen for
// longest.
func (c *chooser) makeRoom(now time.Time) {
	if len(c.kept) >= c.sweep {
		maps.DeleteFunc(c.kept, func(_ netip.Addr, s stay) bool { return !now.Before(s.until) })
		c.sweep = max(firstSweep, 2*len(c.kept))
	}
	if len(c.kept) < mostKept {
		return
	}
	const few = 16
	var oldest netip.Addr
	looked := 0
	for client, s := range c.kept {
		if !oldest.IsValid() || s.until.Before(c.kept[oldest].until) {
			oldest = client
		}
		if looked++; looked == few {
			break
		}
	}
	delete(c.kept, oldest)
}

// has reports whether a rule leads to an endpoint.
func has(rule *svcproxy.Rule, e netip.AddrPort) bool {
	_, found := slices.BinarySearchFunc(rule.Endpoints, e, netip.AddrPort.Compare)
	return found
}

// len returns how many endpoints there are.
func (c *chooser) len() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.rule.Endpoints)
}
