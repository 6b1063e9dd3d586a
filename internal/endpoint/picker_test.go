package endpoint_test

import (
	"fmt"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/causeway-access/causeway/internal/endpoint"
	"github.com/causeway-access/causeway/internal/route"
)

// backend returns a service of n endpoints.
func backend(n int) *route.Backend {
	b := &route.Backend{Namespace: "ns", Name: "web"}
	for i := range n {
		b.Endpoints = append(b.Endpoints, route.Endpoint{Addr: netip.MustParseAddrPort(fmt.Sprintf("10.0.0.%d:80", i+1))})
	}
	return b
}

// sticky returns one with session affinity.
func sticky(n int, d time.Duration) *route.Backend {
	b := backend(n)
	b.Affinity = d
	return b
}

var (
	alice = netip.MustParseAddr("192.0.2.1")
	bob   = netip.MustParseAddr("2001:db8::1")
)

// pick picks, or fails the test.
func pick(t *testing.T, p *endpoint.Picker, b *route.Backend, a endpoint.Ask) *endpoint.Lease {
	t.Helper()
	l, ok := p.Pick(b, a)
	if !ok {
		t.Fatal("nothing was picked")
	}
	return &l
}

// answered picks for a request that is answered at once.
func answered(t *testing.T, p *endpoint.Picker, b *route.Backend, a endpoint.Ask) route.Endpoint {
	t.Helper()
	l := pick(t, p, b, a)
	l.Reached()
	l.Done()
	return l.Endpoint
}

// refuse has a dial to the endpoint fail.
func refuse(t *testing.T, p *endpoint.Picker, b *route.Backend, e route.Endpoint) {
	t.Helper()
	var others []route.Endpoint
	for _, other := range b.Endpoints {
		if other != e {
			others = append(others, other)
		}
	}
	l := pick(t, p, b, endpoint.Ask{Client: alice, Tried: others})
	if l.Endpoint != e {
		t.Fatalf("picked %v, which was tried", l.Endpoint)
	}
	l.Failed()
	l.Done()
}

// share returns how many of n requests an endpoint answers.
func share(t *testing.T, p *endpoint.Picker, b *route.Backend, e route.Endpoint, n int) (got int) {
	t.Helper()
	for range n {
		if answered(t, p, b, endpoint.Ask{Client: alice, Repeatable: true}) == e {
			got++
		}
	}
	return got
}

// Section 1, endpoint choice: power of two choices by requests in flight.
func TestLoadIsSpreadByRequestsInFlight(t *testing.T) {
	for _, n := range []int{2, 3, 10} {
		p, b := endpoint.New(), backend(n)
		got := map[route.Endpoint]int{}
		for range 100 * n { // none of them ends
			got[pick(t, p, b, endpoint.Ask{}).Endpoint]++
		}
		for _, e := range b.Endpoints {
			if got[e] < 90 || got[e] > 110 {
				t.Errorf("%v has %d of %d requests, want about 100", e, got[e], 100*n)
			}
		}
	}
}

func TestBusyEndpointIsLeftToItsWork(t *testing.T) {
	p, b := endpoint.New(), backend(2)
	busy := pick(t, p, b, endpoint.Ask{}) // and it is not done
	if n := share(t, p, b, busy.Endpoint, 50); n != 0 {
		t.Errorf("picked %d times, though the other was idle", n)
	}
	busy.Reached() // a response that has begun is still work
	if n := share(t, p, b, busy.Endpoint, 50); n != 0 {
		t.Errorf("picked %d times while its response was on the way", n)
	}
	busy.Done()
	if n := share(t, p, b, busy.Endpoint, 50); n == 0 {
		t.Error("never picked after its work was done")
	}
}

// An address that answers for two services is as busy as both make it.
func TestLoadIsCountedByAddress(t *testing.T) {
	p, b, other := endpoint.New(), backend(2), backend(2)
	other.Name = "other"
	busy := pick(t, p, b, endpoint.Ask{})
	if n := share(t, p, other, busy.Endpoint, 50); n != 0 {
		t.Errorf("picked %d times for another service", n)
	}
}

// Section 1: retried on another endpoint.
func TestTriedEndpointsAreNotPickedAgain(t *testing.T) {
	pod := backend(1)
	pod.Resource = route.Pods
	for _, b := range []*route.Backend{pod, backend(1), backend(3), sticky(1, time.Hour), sticky(3, time.Hour)} {
		p := endpoint.New()
		for range 50 {
			var tried []route.Endpoint
			seen := map[route.Endpoint]bool{}
			for range b.Endpoints {
				e := answered(t, p, b, endpoint.Ask{Client: alice, Tried: tried})
				if seen[e] {
					t.Fatalf("%v was picked twice", e)
				}
				seen[e], tried = true, append(tried, e)
			}
			if l, ok := p.Pick(b, endpoint.Ask{Client: alice, Tried: tried}); ok {
				t.Fatalf("picked %v after all were tried", l.Endpoint)
			}
		}
	}
}

func TestNothingToPick(t *testing.T) {
	if l, ok := endpoint.New().Pick(backend(0), endpoint.Ask{}); ok {
		t.Errorf("picked %v of none", l.Endpoint)
	}
}

// An unused pick leaves no trace.
func TestUnusedPick(t *testing.T) {
	p, b := endpoint.New(), backend(2)
	l := pick(t, p, b, endpoint.Ask{Blind: true})
	l.Unused()
	if n := share(t, p, b, l.Endpoint, 100); n < 20 {
		t.Errorf("picked %d times of 100, as if it were busy", n)
	}
}

func TestSweepForgetsWhatIsNotUsed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, b, one := endpoint.New(), backend(3), backend(1)
		one.Resource, one.Endpoints[0].Host = route.Nodes, "node.example"
		busy := pick(t, p, b, endpoint.Ask{})
		answered(t, p, one, endpoint.Ask{})
		if n := p.Len(); n != 4 {
			t.Errorf("%d endpoints are remembered, want all 4", n)
		}
		sweep := func(d time.Duration) {
			for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(endpoint.SweepInterval) {
				p.Sweep()
			}
		}
		sweep(4 * time.Minute)
		if n := p.Len(); n != 4 {
			t.Errorf("%d endpoints are remembered after four minutes, want all 4", n)
		}
		sweep(6 * time.Minute)
		if n := p.Len(); n != 1 {
			t.Errorf("%d endpoints are remembered, want the busy one alone", n)
		}
		busy.Done()
		sweep(8 * time.Minute)
		if n := p.Len(); n != 0 {
			t.Errorf("%d endpoints are remembered, want none", n)
		}
	})
}
