package endpoint_test

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/causeway-access/causeway/internal/endpoint"
	"github.com/causeway-access/causeway/internal/route"
)

// farm is a service under load in the time of a synctest bubble: endpoints
// that answer after a while or are frozen, clients, and a sweeper that takes
// back the requests that wait at frozen endpoints, as the gateway does.
type farm struct {
	t       *testing.T
	p       *endpoint.Picker
	b       *route.Backend
	servers map[route.Endpoint]*server
	stop    atomic.Bool
	clients sync.WaitGroup

	longest atomic.Int64 // that a request took which could be repeated
	lost    atomic.Int64 // requests that no endpoint answered

	mu   sync.Mutex
	told map[route.Endpoint][]endpoint.Change
}

type server struct {
	mu       sync.Mutex
	frozen   chan struct{} // closed by thaw; nil if it is running
	back     chan struct{} // closed when requests are taken back
	least    time.Duration // that a request takes
	given    int
	answered int
}

// kind is a kind of request.
type kind struct {
	takes func() time.Duration
	// once is set for those that must not be repeated.
	once bool
	// patience is when the client gives up; never if zero.
	patience time.Duration
	// pause is how long the client waits before the next one.
	pause time.Duration
	from  int // the client's number
	// passer is set for clients of which each comes once.
	passer bool
}

// after returns a channel that is closed after d.
func after(d time.Duration) <-chan struct{} {
	c := make(chan struct{})
	time.AfterFunc(d, func() { close(c) })
	return c
}

func fixed(d time.Duration) func() time.Duration { return func() time.Duration { return d } }

func upTo(d time.Duration) func() time.Duration {
	return func() time.Duration { return rand.N(d) }
}

// quick is an ordinary request.
func quick() kind { return kind{takes: upTo(200 * time.Millisecond)} }

// longPoll is one that waits for something to happen.
func longPoll() kind { return kind{takes: upTo(30 * time.Second)} }

func newFarm(t *testing.T, b *route.Backend) *farm {
	f := &farm{t: t, p: endpoint.New(), b: b, servers: make(map[route.Endpoint]*server), told: make(map[route.Endpoint][]endpoint.Change)}
	f.p.Report = func(_ *route.Backend, e route.Endpoint, c endpoint.Change) {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.told[e] = append(f.told[e], c)
	}
	for _, e := range b.Endpoints {
		f.servers[e] = &server{back: make(chan struct{})}
	}
	f.clients.Go(f.sweep)
	return f
}

func (f *farm) sweep() {
	for !f.stop.Load() {
		time.Sleep(endpoint.SweepInterval)
		for _, e := range f.p.Sweep() {
			f.servers[e].takeBack()
		}
	}
}

// close ends the load.
func (f *farm) close() {
	f.stop.Store(true)
	for _, s := range f.servers {
		s.thaw()
	}
	f.clients.Wait()
}

// changes returns what was told of an endpoint.
func (f *farm) changes(e route.Endpoint) []endpoint.Change {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.told[e])
}

func (s *server) takeBack() {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.back)
	s.back = make(chan struct{})
}

func (s *server) freeze() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.frozen = make(chan struct{})
}

func (s *server) thaw() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.frozen != nil {
		close(s.frozen)
		s.frozen = nil
	}
}

// slow has whatever it is asked take that long.
func (s *server) slow(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.least = d
}

// counts returns the requests given to it and answered by it, ever.
func (s *server) counts() (given, answered int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.given, s.answered
}

// serve reports whether the request was answered.
func (s *server) serve(k kind, gaveUp <-chan struct{}) bool {
	s.mu.Lock()
	back := s.back
	if k.once {
		back = nil
	}
	s.given++
	takes := max(k.takes(), s.least)
	s.mu.Unlock()
	// A request that is frozen in its midst goes on where it was.
	for done := after(takes); ; {
		select {
		case <-done:
		case <-back:
			return false
		case <-gaveUp:
			return false
		}
		s.mu.Lock()
		frozen := s.frozen
		if frozen == nil {
			s.answered++
		}
		s.mu.Unlock()
		if frozen == nil {
			return true
		}
		select {
		case <-frozen:
			done = after(0)
		case <-back:
			return false
		case <-gaveUp:
			return false
		}
	}
}

// load has n clients make such requests, one after the other.
func (f *farm) load(n int, k kind) {
	for i := range n {
		mine := k
		mine.from = i
		f.clients.Go(func() {
			for !f.stop.Load() {
				time.Sleep(k.pause)
				if k.passer {
					mine.from += 1000
				}
				f.request(mine)
			}
		})
	}
}

// request is what the gateway does with a request.
func (f *farm) request(k kind) {
	begun := time.Now()
	var gaveUp <-chan struct{}
	if k.patience > 0 {
		gaveUp = after(k.patience)
	}
	var tried []route.Endpoint
	client := netip.AddrFrom4([4]byte{192, 0, byte(k.from >> 8), byte(k.from)})
	for range 4 {
		l, ok := f.p.Pick(f.b, endpoint.Ask{Client: client, Tried: tried, Repeatable: !k.once})
		if !ok {
			break
		}
		if f.servers[l.Endpoint].serve(k, gaveUp) {
			l.Reached()
			l.Done()
			if took := int64(time.Since(begun)); !k.once && took > f.longest.Load() {
				f.longest.Store(took)
			}
			return
		}
		l.Done()
		tried = append(tried, l.Endpoint)
		if k.patience > 0 && time.Since(begun) >= k.patience {
			break
		}
	}
	f.lost.Add(1)
}

// frozen returns how often endpoints were found frozen.
func (f *farm) frozen() int {
	_, n := f.p.Ejections()
	return int(n)
}

// Section 1, endpoint choice: a frozen endpoint is left within seconds, what
// waits there is answered by the others, and it is used again when it is back.
func TestFrozenEndpointIsLeft(t *testing.T) {
	plain, once := quick(), quick()
	once.once = true
	tests := []struct {
		name    string
		b       *route.Backend
		load    func(f *farm)
		quiet   time.Duration // before it freezes
		found   time.Duration // until it is found frozen, at most
		longest time.Duration // that a request takes which may be repeated
		lost    int64         // requests that may be lost
		trials  int           // requests that may try it in two minutes
		back    int           // requests that it is to answer in the minute after it is back
	}{
		{"many clients", backend(3), func(f *farm) { f.load(16, plain) }, 10 * time.Second, 7 * time.Second, 7 * time.Second, 0, 10, 5},
		{"two endpoints", backend(2), func(f *farm) { f.load(8, plain) }, 10 * time.Second, 7 * time.Second, 7 * time.Second, 0, 10, 5},
		{"a hundred endpoints", backend(100), func(f *farm) { f.load(150, kind{takes: upTo(time.Second)}) }, 10 * time.Second, 10 * time.Second, 10 * time.Second, 0, 10, 5},
		{"two clients", backend(3), func(f *farm) { f.load(2, plain) }, 30 * time.Second, 10 * time.Second, 10 * time.Second, 0, 10, 5},
		{"few requests", backend(3), func(f *farm) { f.load(3, kind{takes: fixed(5 * time.Millisecond), pause: time.Second}) }, time.Minute, 15 * time.Second, 15 * time.Second, 0, 10, 5},
		{"from its start", backend(3), func(f *farm) { f.load(16, plain) }, 0, 15 * time.Second, 15 * time.Second, 0, 10, 5},
		{"clients that give up", backend(3), func(f *farm) {
			f.load(8, kind{takes: fixed(5 * time.Millisecond), patience: time.Second, pause: 100 * time.Millisecond})
		}, 10 * time.Second, 7 * time.Second, time.Second, 50, 10, 5},
		{"some requests wait long", backend(3), func(f *farm) { f.load(10, plain); f.load(10, longPoll()) }, 5 * time.Minute, 20 * time.Second, time.Minute, 0, 20, 5},
		{"some are not to be repeated", backend(3), func(f *farm) { f.load(8, plain); f.load(8, once) }, 10 * time.Second, 7 * time.Second, 7 * time.Second, 0, 20, 5},
		{"none is to be repeated", backend(3), func(f *farm) { f.load(20, once) }, 10 * time.Second, 20 * time.Second, 0, 0, 20, 5},
		{"clients stick, new ones come", sticky(3, time.Hour), func(f *farm) {
			f.load(16, plain)
			f.load(8, kind{takes: plain.takes, pause: 3 * time.Second, passer: true})
		}, 10 * time.Second, 15 * time.Second, 15 * time.Second, 0, 20, 5},
		{"clients stick, none come", sticky(3, time.Hour), func(f *farm) { f.load(16, plain) }, 10 * time.Second, 70 * time.Second, 70 * time.Second, 0, 20, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFarm(t, tt.b)
				defer f.close()
				bad := f.servers[tt.b.Endpoints[1]]
				if tt.quiet == 0 {
					bad.freeze()
				}
				tt.load(f)
				time.Sleep(tt.quiet)
				bad.freeze()
				time.Sleep(tt.found)
				if f.frozen() == 0 {
					t.Errorf("not found frozen within %v", tt.found)
				}
				before, _ := bad.counts()
				time.Sleep(2 * time.Minute)
				if now, _ := bad.counts(); now-before > tt.trials {
					t.Errorf("%d requests tried it in two minutes, want at most %d", now-before, tt.trials)
				}
				if d := time.Duration(f.longest.Load()); d > tt.longest {
					t.Errorf("a request took %v, want at most %v", d, tt.longest)
				}
				if n := f.lost.Load(); n > tt.lost {
					t.Errorf("%d requests were lost, want at most %d", n, tt.lost)
				}
				bad.thaw()
				_, before = bad.counts()
				time.Sleep(time.Minute)
				if _, now := bad.counts(); now-before < tt.back {
					t.Errorf("it answered %d requests in the minute after it was back, want %d", now-before, tt.back)
				}
				want := []endpoint.Change{endpoint.Frozen, endpoint.Back}
				if tt.back == 0 {
					want = want[:1]
				}
				if diff := cmp.Diff(want, f.changes(tt.b.Endpoints[1])); diff != "" {
					t.Errorf("-want +told:\n%s", diff)
				}
			})
		})
	}
}

// What merely looks like it is not taken for frozen.
func TestLivingEndpointIsNotTakenForFrozen(t *testing.T) {
	slow := func(f *farm, d time.Duration) { f.servers[f.b.Endpoints[1]].slow(d) }
	tests := []struct {
		name string
		b    *route.Backend
		load func(f *farm)
	}{
		{"one endpoint, slow", backend(1), func(f *farm) { f.load(20, kind{takes: fixed(20 * time.Second)}) }},
		{"all requests wait long", backend(3), func(f *farm) { f.load(60, longPoll()) }},
		{"all requests wait long, two endpoints", backend(2), func(f *farm) { f.load(6, longPoll()) }},
		{"many wait long, many do not", backend(3), func(f *farm) { f.load(60, longPoll()); f.load(10, quick()) }},
		{"many wait long, few do not", backend(3), func(f *farm) {
			f.load(60, longPoll())
			f.load(1, kind{takes: fixed(5 * time.Millisecond), pause: 300 * time.Millisecond})
		}},
		{"one is slow, from the start", backend(3), func(f *farm) { slow(f, 3*time.Second); f.load(16, quick()) }},
		{"one is very slow, from the start", backend(3), func(f *farm) { slow(f, 8*time.Second); f.load(16, quick()) }},
		{"one is slow, and there are few clients", backend(2), func(f *farm) { slow(f, 4*time.Second); f.load(2, quick()) }},
		{"clients give up everywhere", backend(3), func(f *farm) {
			f.load(8, kind{takes: fixed(200 * time.Millisecond), patience: 100 * time.Millisecond})
			f.load(2, quick())
		}},
		{"hardly any requests", backend(3), func(f *farm) { f.load(1, kind{takes: quick().takes, pause: 10 * time.Second}) }},
		{"clients stick, some wait long", sticky(3, time.Hour), func(f *farm) {
			f.load(12, kind{takes: fixed(5 * time.Millisecond), pause: time.Second})
			f.load(12, longPoll())
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFarm(t, tt.b)
				defer f.close()
				tt.load(f)
				time.Sleep(10 * time.Minute)
				if n := f.frozen(); n > 0 {
					t.Errorf("endpoints were taken for frozen %d times", n)
				}
			})
		})
	}
}

// A response that has begun is a sign of life, however long it lasts: an
// endpoint is not suspected because it serves streams and nothing else.
func TestStreamsDoNotMakeSuspect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, b := endpoint.New(), backend(2)
		stream := func(i int) {
			l := pick(t, p, b, endpoint.Ask{Tried: []route.Endpoint{b.Endpoints[1-i]}})
			l.Reached()
		}
		for range 3 {
			stream(0)
		}
		for range 100 { // the other one is less busy, and has it all
			if e := answered(t, p, b, endpoint.Ask{}); e != b.Endpoints[1] {
				t.Fatalf("picked %v", e)
			}
			time.Sleep(endpoint.SweepInterval)
			p.Sweep()
		}
		for range 5 {
			stream(1)
		}
		l := pick(t, p, b, endpoint.Ask{Blind: true})
		if l.Unused(); l.Endpoint != b.Endpoints[0] {
			t.Error("the endpoint with streams is suspected")
		}
	})
}
