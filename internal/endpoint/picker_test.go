package endpoint_test

import (
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/causeway-access/causeway/internal/endpoint"
	"github.com/causeway-access/causeway/internal/route"
)

func backend(affinity time.Duration, hosts ...string) *route.Backend {
	b := &route.Backend{Namespace: "ns", Name: "web", Affinity: affinity}
	for _, h := range hosts {
		b.Endpoints = append(b.Endpoints, route.Endpoint{Addr: netip.MustParseAddrPort(h + ":80")})
	}
	return b
}

var (
	alice = netip.MustParseAddr("192.0.2.1")
	three = []string{"10.0.0.1", "10.0.0.2", "10.0.0.3"}
)

// pick picks, or fails the test.
func pick(t *testing.T, p *endpoint.Picker, b *route.Backend, tried ...route.Endpoint) endpoint.Lease {
	t.Helper()
	l, ok := p.Pick(b, alice, tried)
	if !ok {
		t.Fatal("nothing was picked")
	}
	return l
}

func TestLoadIsSpreadByRequestsInFlight(t *testing.T) {
	p, b := endpoint.New(), backend(0, three...)
	n := map[route.Endpoint]int{}
	for range 300 { // none of them ends
		n[pick(t, p, b).Endpoint]++
	}
	for e, got := range n {
		if got < 90 || got > 110 {
			t.Errorf("%v has %d of 300 requests, want about 100", e, got)
		}
	}
}

func TestTriedEndpointsAreNotPickedAgain(t *testing.T) {
	p, b := endpoint.New(), backend(0, three...)
	for range 100 {
		var tried []route.Endpoint
		for range three {
			l := pick(t, p, b, tried...)
			l.Done()
			for _, before := range tried {
				if l.Endpoint == before {
					t.Fatalf("%v was picked twice", before)
				}
			}
			tried = append(tried, l.Endpoint)
		}
		if l, ok := p.Pick(b, alice, tried); ok {
			t.Fatalf("picked %v after all were tried", l.Endpoint)
		}
	}
}

func TestFailedEndpointIsSetAsideAndTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, b := endpoint.New(), backend(0, three...)
		bad := b.Endpoints[0]
		fail := func() {
			l, ok := p.Pick(b, alice, b.Endpoints[1:])
			if !ok || l.Endpoint != bad {
				t.Fatalf("picked %v, %t, want %v", l.Endpoint, ok, bad)
			}
			l.Failed()
			l.Done()
		}
		// picked tells how often the endpoint is taken by 50 requests.
		picked := func() (n int) {
			for range 50 {
				l := pick(t, p, b)
				if l.Endpoint == bad {
					n++
				}
				l.Done()
			}
			return n
		}
		fail()
		if n := picked(); n != 0 {
			t.Errorf("picked %d times just after a failed dial", n)
		}
		time.Sleep(600 * time.Millisecond) // beyond the first back-off
		if n := picked(); n > 1 {
			t.Errorf("picked %d times when one was to try it again", n)
		}
		time.Sleep(2 * time.Second)
		fail() // the second back-off is longer
		time.Sleep(600 * time.Millisecond)
		if n := picked(); n != 0 {
			t.Errorf("picked %d times within the second back-off", n)
		}
		time.Sleep(time.Minute)
		l, _ := p.Pick(b, alice, b.Endpoints[1:])
		l.Reached()
		l.Done()
		if n := picked(); n == 0 {
			t.Error("never picked after it answered")
		}
	})
}

func TestSetAsideIsBetterThanNone(t *testing.T) {
	p, b := endpoint.New(), backend(0, "10.0.0.1")
	for range 3 {
		l := pick(t, p, b)
		l.Failed()
		l.Done()
	}
}

func TestClientKeepsItsEndpoint(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, b := endpoint.New(), backend(time.Hour, three...)
		first := pick(t, p, b).Endpoint // stays busy, so that balance would choose another
		for range 20 {
			l := pick(t, p, b)
			if l.Endpoint != first {
				t.Fatalf("picked %v, then %v", first, l.Endpoint)
			}
			l.Done()
			time.Sleep(50 * time.Minute) // each request begins the time anew
		}
		if l := pick(t, p, b, first); l.Endpoint == first {
			t.Error("affinity held to an endpoint that was tried")
		}
		p.Sweep()
		seen := map[route.Endpoint]bool{}
		for range 30 {
			time.Sleep(61 * time.Minute)
			l := pick(t, p, b)
			seen[l.Endpoint] = true
			l.Done()
		}
		if len(seen) < 2 {
			t.Error("affinity outlived its time-out")
		}
	})
}

func TestAffinityIsPerService(t *testing.T) {
	p := endpoint.New()
	a, b := backend(time.Hour, "10.0.0.1"), backend(time.Hour, "10.0.0.2")
	b.Name = "other"
	pick(t, p, a).Done()
	if l := pick(t, p, b); l.Endpoint != b.Endpoints[0] {
		t.Errorf("picked %v of another service", l.Endpoint)
	}
}

func TestSweepForgetsIdleEndpoints(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, b := endpoint.New(), backend(0, three...)
		busy := pick(t, p, b)
		for _, e := range b.Endpoints {
			for i := range b.Endpoints {
				if b.Endpoints[i] != e {
					pick(t, p, b, b.Endpoints[i]).Done()
				}
			}
		}
		p.Sweep()
		time.Sleep(10 * time.Minute)
		p.Sweep()
		if n := p.Len(); n != 1 {
			t.Errorf("%d endpoints are remembered, want the busy one alone", n)
		}
		busy.Done()
	})
}

func BenchmarkPick(b *testing.B) {
	p, backend := endpoint.New(), backend(0, three...)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			l, _ := p.Pick(backend, alice, nil)
			l.Done()
		}
	})
}
