package endpoint_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/causeway-access/causeway/internal/endpoint"
	"github.com/causeway-access/causeway/internal/route"
)

// Section 1: an endpoint whose dials fail is set aside with back-off and tried
// again.
func TestFailedDialSetsAside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, b := endpoint.New(), backend(3)
		bad := b.Endpoints[0]
		refuse(t, p, b, bad)
		if n := share(t, p, b, bad, 100); n != 0 {
			t.Errorf("picked %d times just after a failed dial", n)
		}
		for _, wait := range []time.Duration{500, 1000, 2000, 4000, 8000, 16000, 30000, 30000} {
			time.Sleep(wait*time.Millisecond - time.Millisecond)
			if n := tries(t, p, b, bad); n != 0 {
				t.Errorf("tried %d times before %v were over", n, wait*time.Millisecond)
			}
			time.Sleep(2 * time.Millisecond)
			if n := tries(t, p, b, bad); n != 1 {
				t.Errorf("tried %d times after %v, want once", n, wait*time.Millisecond)
			}
		}
	})
}

// tries returns how many of many requests try the endpoint. The dials fail.
func tries(t *testing.T, p *endpoint.Picker, b *route.Backend, e route.Endpoint) (n int) {
	t.Helper()
	for range 100 {
		l := pick(t, p, b, endpoint.Ask{})
		if l.Endpoint == e {
			n++
			l.Failed()
		} else {
			l.Reached()
		}
		l.Done()
	}
	return n
}

func TestRecoveredEndpointIsUsedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, b := endpoint.New(), backend(3)
		back := b.Endpoints[1]
		refuse(t, p, b, back)
		time.Sleep(time.Second)
		if n := share(t, p, b, back, 300); n < 50 {
			t.Errorf("picked %d times of 300 after it answered", n)
		}
		// It starts anew with the shortest back-off.
		refuse(t, p, b, back)
		time.Sleep(501 * time.Millisecond)
		if n := tries(t, p, b, back); n != 1 {
			t.Errorf("tried %d times, want once", n)
		}
	})
}

// Failures of requests that ran side by side count once.
func TestBackoffGrowsByTriesAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, b := endpoint.New(), backend(2)
		bad := b.Endpoints[0]
		for range 20 {
			refuse(t, p, b, bad)
		}
		time.Sleep(501 * time.Millisecond)
		if n := tries(t, p, b, bad); n != 1 {
			t.Errorf("tried %d times after the first back-off, want once", n)
		}
	})
}

func TestSetAsideIsBetterThanNone(t *testing.T) {
	for _, b := range []*route.Backend{backend(1), backend(2), sticky(2, time.Hour)} {
		p := endpoint.New()
		for range 3 {
			for _, e := range b.Endpoints {
				refuse(t, p, b, e)
			}
			pick(t, p, b, endpoint.Ask{Client: alice}).Done()
		}
	}
}

// What becomes of an endpoint is told once, however often it is tried.
func TestChangesAreReportedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, b := endpoint.New(), backend(3)
		bad := b.Endpoints[0]
		var told []endpoint.Change
		p.Report = func(of *route.Backend, e route.Endpoint, c endpoint.Change) {
			if of != b || e != bad {
				t.Errorf("it was told of %v of %v", e, of)
			}
			told = append(told, c)
		}
		for range 2 {
			refuse(t, p, b, bad)
			for range 4 {
				time.Sleep(time.Minute)
				if tries(t, p, b, bad) != 1 {
					t.Error("it was not tried")
				}
			}
			time.Sleep(time.Minute)
			share(t, p, b, bad, 100)
		}
		want := []endpoint.Change{endpoint.Unreachable, endpoint.Back, endpoint.Unreachable, endpoint.Back}
		if diff := cmp.Diff(want, told); diff != "" {
			t.Errorf("-want +told:\n%s", diff)
		}
	})
}

// Nobody would learn what became of a client that was sent there.
func TestRedirectTriesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, b := endpoint.New(), backend(2)
		refuse(t, p, b, b.Endpoints[0])
		time.Sleep(time.Hour)
		for range 100 {
			l := pick(t, p, b, endpoint.Ask{Blind: true})
			if l.Unused(); l.Endpoint == b.Endpoints[0] {
				t.Fatal("redirected to an endpoint that was unreachable")
			}
		}
	})
}

// A request that has failed once is not used to try others.
func TestRetryGoesToAHealthyEndpoint(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, b := endpoint.New(), backend(4)
		refuse(t, p, b, b.Endpoints[0])
		refuse(t, p, b, b.Endpoints[1])
		time.Sleep(time.Hour)
		for range 100 {
			e := answered(t, p, b, endpoint.Ask{Tried: b.Endpoints[2:3]})
			if e != b.Endpoints[3] {
				t.Fatalf("picked %v, want the one that is healthy", e)
			}
		}
	})
}
