package pods

import "time"

// backoff counts failures of one thing. The zero value has seen none.
type backoff struct {
	delay time.Duration
	// last is when delay was set.
	last time.Time
}

// left is how long to wait, if the last failure was at failed. What had gone
// well for twice the longest delay begins anew.
func (b *backoff) left(limits BackOff, failed, now time.Time) time.Duration {
	if failed.Sub(b.last) > 2*limits.Max {
		b.delay = 0
	}
	return max(0, failed.Add(b.delay).Sub(now))
}

// next counts one more attempt.
func (b *backoff) next(limits BackOff, now time.Time) {
	b.delay = min(limits.Max, max(limits.Initial, 2*b.delay))
	b.last = now
}
