package gateway

import (
	"slices"
	"sync"
	"sync/atomic"
)

// queue holds the requests that wait while the gateway is busy. Whoever has
// the fewest under way goes first, so that one caller's flood delays himself;
// his own go in the order in which they came.
//
// Its lock is taken by those who wait, and by others while some do.
type queue struct {
	waiting atomic.Int64 // how many; read without the lock

	mu      sync.Mutex
	callers []*caller // those with a waiter, longest waiting first
}

// waiter is one request that waits.
type waiter struct {
	turn chan struct{} // closed when its turn has come
}

// add puts a request in the queue, or lets it go if there is a place now. It
// returns false if too many of the same caller's wait already.
func (q *queue) add(l *limits, c *caller, w *waiter) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(c.waiting) >= waitingPerUser {
		return false
	}
	if len(c.waiting) == 0 {
		q.callers = append(q.callers, c)
	}
	c.waiting = append(c.waiting, w)
	// From here on whoever leaves sees that somebody waits; a place that was
	// left before is taken here.
	q.waiting.Add(1)
	q.hand(l)
	return true
}

// remove takes a request out again. It returns false if its turn has come.
func (q *queue) remove(c *caller, w *waiter) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	i := slices.Index(c.waiting, w)
	if i < 0 {
		return false
	}
	q.drop(c, i)
	return true
}

// dispatch gives free places to those who wait.
func (q *queue) dispatch(l *limits) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.hand(l)
}

func (q *queue) hand(l *limits) {
	for len(q.callers) > 0 && l.acquire() {
		c := slices.MinFunc(q.callers, func(a, b *caller) int { return int(a.underWay() - b.underWay()) })
		close(c.waiting[0].turn)
		q.drop(c, 0)
	}
}

// underWay is how many requests a caller has that do not wait.
func (c *caller) underWay() int64 { return c.running.Load() - int64(len(c.waiting)) }

func (q *queue) drop(c *caller, i int) {
	c.waiting = slices.Delete(c.waiting, i, i+1)
	q.waiting.Add(-1)
	if len(c.waiting) == 0 {
		q.callers = slices.DeleteFunc(q.callers, func(other *caller) bool { return other == c })
	}
}
