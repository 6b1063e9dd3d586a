package endpoint

import (
	"sync/atomic"
	"time"
)

// The back-off of an endpoint whose dials fail.
const (
	backoffFirst = 500 * time.Millisecond
	backoffMost  = 30 * time.Second
	// probeTime is how long one request alone tries an endpoint again before
	// another one may.
	probeTime = time.Second
	// forgetAfter is how long the state of an unused endpoint is kept. It is
	// longer than the longest back-off.
	forgetAfter = 5 * time.Minute
)

// state is what is remembered of one address. All of it is atomic.
type state struct {
	inflight atomic.Int64
	failures atomic.Int32
	until    atomic.Int64 // set aside until then, in Unix nanoseconds; 0 if healthy
	quiet    atomic.Int64 // no request in flight since then, as the sweeper saw it; 0 if busy
}

// healthy reports that the last that was heard of the endpoint was good.
func (s *state) healthy() bool { return s.until.Load() == 0 }

// due reports that the endpoint is healthy or may be tried again.
func (s *state) due(now time.Time) bool {
	until := s.until.Load()
	return until == 0 || until <= now.UnixNano()
}

// admits is due, and for an endpoint that failed before lets only one request
// at a time try.
func (s *state) admits(now time.Time) bool {
	until := s.until.Load()
	if until == 0 {
		return true
	}
	return until <= now.UnixNano() && s.until.CompareAndSwap(until, now.Add(probeTime).UnixNano())
}

// prefer reports that s is the better choice: healthy before doubtful, then
// less busy.
func (s *state) prefer(other *state) bool {
	if s.healthy() != other.healthy() {
		return s.healthy()
	}
	return s.inflight.Load() < other.inflight.Load()
}

// fail sets the endpoint aside. Failures of requests that ran side by side
// count once: only one that comes after the back-off makes the next longer.
func (s *state) fail(now time.Time) {
	failures := s.failures.Load()
	wait := min(backoffFirst<<min(failures, 10), backoffMost)
	until := s.until.Load()
	if until > now.UnixNano()+int64(probeTime) {
		return
	}
	if s.until.CompareAndSwap(until, now.Add(wait).UnixNano()) {
		s.failures.Store(failures + 1)
	}
}

// reached makes the endpoint healthy.
func (s *state) reached() {
	if s.until.Load() != 0 {
		s.failures.Store(0)
		s.until.Store(0)
	}
}

// idle reports that nothing has happened at the endpoint for forgetAfter. It
// is called by the sweeper alone. A state that is dropped in the moment in
// which it is picked loses one request from the count of its successor, and
// nothing else.
func (s *state) idle(now time.Time) bool {
	if s.inflight.Load() != 0 {
		s.quiet.Store(0)
		return false
	}
	since := s.quiet.Load()
	if since == 0 {
		s.quiet.Store(now.UnixNano())
		return false
	}
	return now.UnixNano()-since > int64(forgetAfter) && s.due(now)
}
