package transport

import (
	"context"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// idlePerEndpoint bounds the idle connections kept to one endpoint. Go's
	// default of two makes nearly every request of a busy service dial.
	idlePerEndpoint = 256
	// idleTime is how long an idle connection is kept; shorter than the idle
	// time-outs of common servers.
	idleTime = 55 * time.Second
	// freshTicks is for how many ticks a connection counts as used just now: less
	// than the idle time-out of any common server, the shortest of which is two
	// seconds.
	freshTicks = ticksPerSecond
	// poolUnused is how long the pool of an unused endpoint is kept.
	poolUnused = 10 * time.Minute
)

// past is a deadline that ends what waits for a connection.
var past = time.Unix(1, 0)

// pool holds the connections of one hop. No lock is shared by all hops on the
// way of a request: the transport's own is taken for dials alone, and before
// the pool's.
type pool struct {
	t   *Transport
	hop Hop
	// h2 speaks HTTP/2; nil as long as nobody knows that the backend does.
	h2 atomic.Pointer[h2]

	mu     sync.Mutex
	all    []*wire // open ones, in no order
	idle   []*wire // the one used last is the last
	waits  map[*wait]struct{}
	closed bool      // Close or Sweep has been here: nothing is kept any more
	used   time.Time // when it last dialled or closed a connection
}

// wait is what Abandon can end but is no exchange on a connection of the pool:
// a dial, or a request over HTTP/2.
type wait struct {
	cancel context.CancelCauseFunc
	// keep is set for requests that may not be sent twice.
	keep bool
}

// reuse returns an idle connection for an exchange, or nil. What cannot be sent
// again gets only one that was used just now, which the backend has no reason
// to close at this moment: a look at the connection does not tell what is
// already on its way. Of one that is not so fresh it takes the place.
func (p *pool) reuse(ctx context.Context, r *Request) *wire {
	p.mu.Lock()
	n := len(p.idle)
	if n == 0 {
		p.mu.Unlock()
		return nil
	}
	c := p.idle[n-1]
	p.idle[n-1] = nil
	p.idle = p.idle[:n-1]
	if r.once() && p.t.now.Load()-c.mine.since > freshTicks {
		p.remove(c)
		p.mu.Unlock()
		c.net.Close()
		return nil
	}
	c.reused = true
	p.begin(ctx, c, r)
	p.mu.Unlock()
	return c
}

// add takes a new connection into the pool, for an exchange.
func (p *pool) add(ctx context.Context, nc net.Conn, r *Request) *wire {
	c := &wire{pool: p, net: nc, link: newLink(nc)}
	p.t.mu.Lock()
	defer p.t.mu.Unlock()
	p.mu.Lock()
	defer p.mu.Unlock()
	c.mine.at = len(p.all)
	p.all = append(p.all, c)
	p.begin(ctx, c, r)
	p.t.watch(p)
	return c
}

// begin marks the connection busy. The caller holds mu.
func (p *pool) begin(ctx context.Context, c *wire, r *Request) {
	c.state.Store(waiting)
	m := &c.mine
	m.busy, m.ctx, m.repeatable, m.since = true, ctx, r.Repeatable, p.t.now.Load()
	m.gen++
}

// release ends the exchange on a connection, and keeps it for another if it is
// good for one.
func (p *pool) release(c *wire, good bool) {
	c.free()
	p.mu.Lock()
	m := &c.mine
	stop := m.stop
	m.busy, m.ctx, m.stop = false, nil, nil
	good = good && !m.ended && !p.closed && len(p.idle) < idlePerEndpoint && c.keep > 0
	if good {
		m.since, m.keep = p.t.now.Load(), c.keep
		p.idle = append(p.idle, c)
	} else {
		p.remove(c)
	}
	p.mu.Unlock()
	if stop != nil {
		stop()
	}
	if !good {
		c.net.Close()
	}
}

// take ends the pool's part in a connection, which the caller goes on using.
// It returns false if the exchange was ended meanwhile.
func (p *pool) take(c *wire) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if c.mine.stop != nil {
		c.mine.stop()
	}
	c.mine.busy, c.mine.ctx, c.mine.stop = false, nil, nil
	p.remove(c)
	return !c.mine.ended
}

// remove forgets a connection that is not idle. The caller holds mu.
func (p *pool) remove(c *wire) {
	last := len(p.all) - 1
	p.all[c.mine.at] = p.all[last]
	p.all[c.mine.at].mine.at = c.mine.at
	p.all[last] = nil
	p.all = p.all[:last]
	if last == 0 {
		p.used = time.Now()
	}
}

// dropIdle forgets the idle connections for which drop is true, and returns
// them for the caller to close. The caller holds mu.
func (p *pool) dropIdle(drop func(*wire) bool) (dropped []*wire) {
	p.idle = slices.DeleteFunc(p.idle, func(c *wire) bool {
		if !drop(c) {
			return false
		}
		p.remove(c)
		dropped = append(dropped, c)
		return true
	})
	return dropped
}

// closeIdle closes the idle connections.
func (p *pool) closeIdle() {
	p.mu.Lock()
	dropped := p.dropIdle(func(*wire) bool { return true })
	p.mu.Unlock()
	closeAll(dropped)
	if h := p.h2.Load(); h != nil {
		h.closeIdle()
	}
}

// close ends the pool: nothing is kept in it any more.
func (p *pool) close() {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.closeIdle()
}

// unused reports whether the pool has neither connections nor had any lately.
func (p *pool) unused(now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.all) == 0 && len(p.waits) == 0 && now.Sub(p.used) >= poolUnused
}

// speak returns the client for HTTP/2, which begins with a connection if there
// is one.
func (p *pool) speak(first net.Conn) *h2 {
	if h := p.h2.Load(); h != nil {
		if first != nil {
			first.Close() // another was quicker
		}
		return h
	}
	h := newH2(p, first)
	if !p.h2.CompareAndSwap(nil, h) {
		return p.speak(first)
	}
	p.t.mu.Lock()
	defer p.t.mu.Unlock()
	p.t.watch(p)
	return h
}

// end makes what waits for the connection fail. The caller holds mu, so that
// the connection is not yet another exchange's.
func (c *wire) end() {
	if !c.mine.ended {
		c.mine.ended = true
		// An error means that it is closed already.
		_ = c.net.SetDeadline(past)
	}
}

// enlist and delist note a wait for Abandon.
func (p *pool) enlist(w *wait) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.waits == nil {
		p.waits = make(map[*wait]struct{})
	}
	p.waits[w] = struct{}{}
	p.used = time.Now()
}

func (p *pool) delist(w *wait) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.waits, w)
}

func closeAll(conns []*wire) {
	for _, c := range conns {
		c.net.Close()
	}
}
