package endpoint

import (
	"time"

	"github.com/causeway-access/causeway/internal/route"
)

// Lease is one endpoint, picked for one attempt of one request. Exactly one of
// Done and Unused must be called, once, as the last. A copy made before
// Reached does not know of it.
type Lease struct {
	Endpoint route.Endpoint
	backend  *route.Backend
	state    *state
	given    uint32 // the clock when it was picked
	answered bool
}

func lease(b *route.Backend, e route.Endpoint, s *state) Lease {
	s.load.Add(moreGiven)
	return Lease{Endpoint: e, backend: b, state: s, given: s.of.clock.Load()}
}

// Reached reports that the head of a response has arrived: the endpoint lives.
func (l *Lease) Reached() {
	if l.answered {
		return
	}
	l.answered = true
	s := l.state
	if s.of.clock.Load()-l.given < patience {
		s.quick.Add(1)
	} else {
		s.slow.Add(1)
	}
	if !s.healthy() && s.recover() {
		s.of.tell(l.backend, l.Endpoint, Back)
	}
}

// Failed reports that no connection to the endpoint could be made: it is set
// aside for a while, and longer each time that it is tried again in vain.
func (l *Lease) Failed() {
	if l.state.setAside(unreachable, time.Now()) {
		l.state.of.tell(l.backend, l.Endpoint, Unreachable)
	}
}

// Done ends the attempt.
func (l *Lease) Done() {
	if !l.answered {
		l.state.unanswered.Add(1)
	}
	l.state.load.Add(lessBusy)
}

// Unused ends an attempt for which nothing was sent to the endpoint, for
// reasons that are not the endpoint's.
func (l *Lease) Unused() { l.state.load.Add(lessGiven) }
