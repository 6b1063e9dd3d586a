package endpoint

import (
	"sync/atomic"
	"time"
)

// The back-off of endpoints that are set aside.
const (
	backoffFirst = 500 * time.Millisecond
	backoffMost  = 30 * time.Second
	// suspectTried is how often one request tries a suspected endpoint.
	suspectTried = 500 * time.Millisecond
	// overdue is how long an endpoint that was silent waits for a repeatable
	// request to try it. If none comes, another one has to.
	overdue = 10 * time.Second
)

// What is added to state.load: its upper half counts the requests that were
// ever given, its lower half those in flight.
const (
	moreGiven = 1<<32 + 1
	lessGiven = 1<<64 - moreGiven
	lessBusy  = 1<<64 - 1
)

// state is what is remembered of one address. What requests touch is atomic,
// and each request touches it three times: given, answered, done.
type state struct {
	load       atomic.Uint64 // requests ever given, and those in flight
	quick      atomic.Uint32 // responses begun within patience
	slow       atomic.Uint32 // responses begun later
	unanswered atomic.Uint32 // requests that ended without a response
	failures   atomic.Int32  // in a row, each after a back-off
	aside      atomic.Int64  // 0 if healthy; see setAside
	of         *Picker

	record // the sweeper's
}

// reason is why an endpoint is set aside.
type reason int64

const (
	// unreachable: no connection can be made. Whoever tries it loses nothing.
	unreachable reason = iota
	// suspected: it was silent for a while. Requests that can be taken back
	// find out.
	suspected
	// frozen: it takes requests and answers none.
	frozen
	// reasons is the part of state.aside that holds the reason. The rest is
	// when it may be tried again, in Unix nanoseconds.
	reasons = 3
)

// healthy reports that the last that was heard of the endpoint was good.
func (s *state) healthy() bool { return s.aside.Load() == 0 }

// reason says why it is set aside. It means nothing if it is healthy.
func (s *state) reason() reason { return reason(s.aside.Load() & reasons) }

// busy counts the requests in flight.
func (s *state) busy() uint32 { return uint32(s.load.Load()) }

// setAside has the endpoint left alone for the first back-off. One that is set
// aside already stays so: the back-off grows when it is tried.
func (s *state) setAside(why reason, now time.Time) bool {
	before := s.aside.Load()
	if before != 0 && (reason(before&reasons) != suspected || why == suspected) {
		return false
	}
	wait := backoffFirst
	if why == suspected {
		wait = 0
	}
	if !s.aside.CompareAndSwap(before, until(now.Add(wait), why)) {
		return false
	}
	s.failures.Store(1)
	s.of.ejected[why].Add(1)
	return true
}

// tries reports that the request may try an endpoint that is set aside, and is
// the only one to do so until the next back-off ends.
func (s *state) tries(now time.Time, a Ask) bool {
	before := s.aside.Load()
	why := reason(before & reasons)
	late := now.UnixNano() - before
	if before == 0 || late < 0 || a.Blind || why != unreachable && !a.Repeatable && late < int64(overdue) {
		return false
	}
	wait := suspectTried
	if why != suspected {
		wait = min(backoffFirst<<min(s.failures.Load(), 10), backoffMost)
	}
	if !s.aside.CompareAndSwap(before, until(now.Add(wait), why)) {
		return false
	}
	s.failures.Add(1)
	return true
}

// recover makes the endpoint healthy. It returns false for one that was healthy
// already, or merely suspected.
func (s *state) recover() bool {
	s.failures.Store(0)
	before := s.aside.Swap(0)
	return before != 0 && reason(before&reasons) != suspected
}

func until(t time.Time, why reason) int64 { return t.UnixNano()&^reasons | int64(why) }
