package endpoint

// Times, counted in sweeps.
const (
	// patience is how long a request may wait for its response to begin before
	// that means anything.
	patience = 5
	// strangerPatience is the same for an endpoint that has hardly answered
	// before: its first answers may take long, and its usual ones too.
	strangerPatience = 20
	// longPatience is how long requests wait that commonly wait for something.
	longPatience = 120
	// fading is what is left of old answers after each sweep that saw new ones.
	fading = 0.99
	// fewAnswers are too few to know an endpoint by.
	fewAnswers = 5
)

// record is what the sweeper notes of an endpoint. Nobody else touches it.
type record struct {
	noted bool   // ever
	seen  uint32 // the sweep that last did

	// The last sweeps, the latest first: requests given until then, and those
	// of them that waited for their response to begin.
	givenAt, waitingAt [patience + 1]uint32

	// Its silence began in the sweep begun, which saw the last answer. Until
	// then it had been given the requests givenThen, of which waitingThen were
	// waiting, steadyThen of them for long.
	begun, givenThen, waitingThen, steadyThen uint32
	// When it was last suspected it had been given the requests givenSuspect.
	suspected    bool
	givenSuspect uint32

	// Counters as last seen, and how it used to answer.
	quickSeen, slowSeen, unansweredSeen uint32
	habit                               habit

	// The load as forget has last seen it, and how often it was the same.
	loadSeen uint64
	idle     int
}

// habit is how many requests were answered in time, and how many were not.
// Older ones count less.
type habit struct{ quick, late float64 }

func (h habit) plus(other habit) habit  { return habit{h.quick + other.quick, h.late + other.late} }
func (h habit) minus(other habit) habit { return habit{h.quick - other.quick, h.late - other.late} }

// lateness is the part of requests that is not answered in time; near 1 if
// nothing is known.
func (h habit) lateness() float64 { return (h.late + 1) / (h.quick + h.late + 2) }

// known reports that there were enough answers to have a habit.
func (h habit) known() bool { return h.quick+h.late >= fewAnswers }

// note takes a note of the endpoint in the sweep now, once.
func (s *state) note(now uint32) {
	if s.noted && s.seen == now {
		return
	}
	quick, slow, unanswered := s.quick.Load(), s.slow.Load(), s.unanswered.Load()
	given := uint32(s.load.Load() >> 32) // read last: it is never less than the others together
	waiting := given - quick - slow - unanswered
	if !s.noted || quick != s.quickSeen || slow != s.slowSeen {
		s.habit.quick = s.habit.quick*fading + float64(quick-s.quickSeen)
		s.habit.late = s.habit.late*fading + float64(slow-s.slowSeen) + float64(unanswered-s.unansweredSeen)
		s.quickSeen, s.slowSeen, s.unansweredSeen = quick, slow, unanswered
		s.begun, s.givenThen, s.waitingThen, s.steadyThen = now, given, waiting, min(waiting, s.steady())
		s.suspected = false
	}
	copy(s.givenAt[1:], s.givenAt[:])
	copy(s.waitingAt[1:], s.waitingAt[:])
	s.givenAt[0], s.waitingAt[0] = given, waiting
	s.noted, s.seen = true, now
}

// steady is how many requests have been waiting throughout the last sweeps.
// They may be such as wait for something to happen; those beyond are not.
func (s *state) steady() uint32 {
	least := s.waitingAt[0]
	for _, n := range s.waitingAt {
		least = min(least, n)
	}
	return least
}

// silence is for how many sweeps nothing was answered.
func (s *state) silence() uint32 { return s.seen - s.begun }

// unheard is how many requests have been given to the endpoint in its silence,
// or just before, for longer than patience: each is a witness. Those that had
// waited for long by then are none, until the silence is long itself. Those
// whose clients gave up are, since clients of living endpoints do so as well,
// and are in the habit.
func (s *state) unheard() int {
	// What was given does not only grow: a pick may turn out to be unused.
	n := max(0, int(int32(s.givenAt[patience]-s.givenThen)))
	switch silence := s.silence(); {
	case silence < patience:
		return 0
	case silence < longPatience:
		return n + int(s.waitingThen-s.steadyThen)
	default:
		return n + int(s.waitingThen)
	}
}

// triedInVain reports that it was tried on suspicion, longer ago than patience.
func (s *state) triedInVain() bool {
	return s.suspected && int32(s.givenAt[patience]-s.givenSuspect) > 0
}

// stuck reports that requests wait at the endpoint for longer than patience.
func (s *state) stuck() bool { return s.waitingAt[0] > s.givenAt[0]-s.givenAt[patience] }
