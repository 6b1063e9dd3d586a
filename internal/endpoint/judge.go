package endpoint

import (
	"math"
	"time"
)

// An endpoint is frozen if its machine takes connections and requests, and
// nothing answers: a stopped process, a deadlock, a node that has vanished
// from the network. No request says so by itself, since any may be one that
// waits for something to happen. So an endpoint is judged by three things
// together: it has begun no response for longer than patience; meanwhile the
// others of the same backend answered, in time; and it was given so many
// requests that, going by how it and the others used to answer, one of them
// would have been answered by now. Of a service whose requests all wait long
// this is never known, nor of one with a single endpoint.
//
// On the first signs an endpoint is merely suspected: only now and then a
// request tries it, and one that can be taken back.
const (
	// othersAnswered is how many answers of the others tell that they are well.
	othersAnswered = 10
	// mostlyLate is the part of late answers above which silence says nothing.
	mostlyLate = 0.5
	// witnesses is how many requests have to be unanswered, unless one of them
	// tried the endpoint on suspicion.
	witnesses = 3
	// doubt and lessDoubt are the chances that all of the unanswered requests
	// are merely late, below which the endpoint is frozen: in general, and if
	// one of them tried it on suspicion.
	doubt     = 1e-4
	lessDoubt = 1e-2
)

// view is an endpoint's silence as seen from one backend.
type view struct {
	noted  bool
	begun  uint32 // as record.begun
	others uint32 // answers in time of the others until then
}

// judge looks at the endpoints of a group, all of which have been noted, and
// calls stuck for each at which requests wait in vain while others are well.
func (g *group) judge(now time.Time, stuck func(i int)) {
	var all habit
	var answers uint32
	healthy := 0
	for _, s := range g.states {
		all = all.plus(s.habit)
		answers += s.quickSeen
		if s.healthy() {
			healthy++
		}
	}
	for i, s := range g.states {
		v, others := &g.views[i], answers-s.quickSeen
		if !v.noted || v.begun != s.begun {
			*v = view{true, s.begun, others}
		}
		if others-v.others >= othersAnswered {
			if s.judge(all.minus(s.habit), g.backend.Affinity > 0, now) {
				s.of.tell(g.backend, g.backend.Endpoints[i], Frozen)
			}
		}
		if healthy > 0 && s.hopeless() {
			stuck(i)
		}
	}
}

// judge sets the endpoint aside if its silence is strange beside the habit of
// the others, who are well, and returns true if it is frozen from now on. Where clients stick to their endpoints, what one of
// them waits for says less: there another one has to have tried in vain, or
// the silence to be long.
func (s *state) judge(others habit, sticky bool, now time.Time) bool {
	n := s.unheard()
	late := others.lateness()
	if s.habit.known() {
		late = max(late, s.habit.lateness())
	}
	if s.silence() < patience || n == 0 && !s.stuck() || late >= mostlyLate {
		return false
	}
	chance := math.Pow(late, float64(n))
	sure := s.triedInVain() && chance <= lessDoubt ||
		n >= witnesses && chance <= doubt && (!sticky || s.silence() >= longPatience)
	if sure && (s.habit.known() || s.silence() >= strangerPatience) {
		return s.setAside(frozen, now)
	}
	s.suspect(now)
	return false
}

// hopeless reports that requests wait at an endpoint that is frozen, or that is
// unreachable and silent: there the dials hang.
func (s *state) hopeless() bool {
	if s.healthy() || !s.stuck() {
		return false
	}
	why := s.reason()
	return why == frozen || why == unreachable && s.silence() >= strangerPatience
}

func (s *state) suspect(now time.Time) {
	if s.setAside(suspected, now) {
		s.givenSuspect, s.suspected = s.givenAt[0], true
	}
}
