package endpoint_test

import (
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/causeway-access/causeway/internal/endpoint"
	"github.com/causeway-access/causeway/internal/route"
)

// Section 1: sessionAffinity ClientIP with its timeout.
func TestClientKeepsItsEndpoint(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, b := endpoint.New(), sticky(3, time.Hour)
		first := pick(t, p, b, endpoint.Ask{Client: alice}).Endpoint // stays busy, so that balance would choose another
		for range 20 {
			if e := answered(t, p, b, endpoint.Ask{Client: alice}); e != first {
				t.Fatalf("picked %v, then %v", first, e)
			}
			time.Sleep(50 * time.Minute) // each request begins the time anew
		}
		if e := answered(t, p, b, endpoint.Ask{Client: bob}); e == first {
			t.Error("another client was given the busy one too")
		}
		seen := map[route.Endpoint]bool{}
		for range 30 {
			time.Sleep(61 * time.Minute)
			seen[answered(t, p, b, endpoint.Ask{Client: alice})] = true
		}
		if len(seen) < 2 {
			t.Error("affinity outlived its time-out")
		}
	})
}

func TestAffinityIsPerServiceAndPort(t *testing.T) {
	p := endpoint.New()
	for _, change := range []func(*route.Backend){
		func(b *route.Backend) { b.Name = "other" },
		func(b *route.Backend) { b.Namespace = "other" },
		func(b *route.Backend) { b.Port = "other" },
	} {
		a, b := sticky(2, time.Hour), sticky(2, time.Hour)
		change(b)
		e := pick(t, p, a, endpoint.Ask{Client: alice}).Endpoint
		if other := pick(t, p, b, endpoint.Ask{Client: alice}).Endpoint; other == e {
			t.Errorf("picked %v for both services, though it was busy", e)
		}
	}
}

// Affinity across the death and the return of endpoints.
func TestAffinityWhenEndpointsComeAndGo(t *testing.T) {
	others := func(b *route.Backend, e route.Endpoint) *route.Backend {
		out := *b
		out.Endpoints = slices.DeleteFunc(slices.Clone(b.Endpoints), func(o route.Endpoint) bool { return o == e })
		return &out
	}
	ask := endpoint.Ask{Client: alice}
	tests := []struct {
		name string
		// story returns the endpoint of the client's last request, and whether
		// it is to be his first one, given that and all.
		story func(t *testing.T, p *endpoint.Picker, b *route.Backend, first route.Endpoint) (last route.Endpoint, same bool)
	}{
		{"another endpoint is added", func(t *testing.T, p *endpoint.Picker, b *route.Backend, first route.Endpoint) (route.Endpoint, bool) {
			more := *b
			more.Endpoints = slices.Concat(sticky(9, 0).Endpoints[5:], b.Endpoints)
			return answered(t, p, &more, ask), true
		}},
		{"it is gone, and back before the client asks", func(t *testing.T, p *endpoint.Picker, b *route.Backend, first route.Endpoint) (route.Endpoint, bool) {
			answered(t, p, others(b, first), endpoint.Ask{Client: bob})
			return answered(t, p, b, ask), true
		}},
		{"it is gone, the client gets another, it is back", func(t *testing.T, p *endpoint.Picker, b *route.Backend, first route.Endpoint) (route.Endpoint, bool) {
			second := answered(t, p, others(b, first), ask)
			for range 20 {
				if e := answered(t, p, b, ask); e != second {
					t.Fatalf("picked %v after %v, though that lives", e, second)
				}
			}
			return second, false
		}},
		{"it refuses, the client gets another, it is back", func(t *testing.T, p *endpoint.Picker, b *route.Backend, first route.Endpoint) (route.Endpoint, bool) {
			refuse(t, p, b, first)
			second := answered(t, p, b, ask)
			other := backend(3) // a service without affinity, whose requests find it well
			for answered(t, p, other, endpoint.Ask{}) != first {
				time.Sleep(time.Second)
			}
			if e := answered(t, p, b, ask); e != second {
				t.Fatalf("picked %v after %v, though that lives", e, second)
			}
			return second, false
		}},
		{"it was the only one", func(t *testing.T, p *endpoint.Picker, b *route.Backend, first route.Endpoint) (route.Endpoint, bool) {
			only := *b
			only.Endpoints = []route.Endpoint{first}
			answered(t, p, &only, endpoint.Ask{Client: bob})
			return answered(t, p, b, endpoint.Ask{Client: bob}), true
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, b := endpoint.New(), sticky(3, 2*time.Hour)
				first := answered(t, p, b, ask)
				last, same := tt.story(t, p, b, first)
				if (last == first) != same {
					t.Errorf("first %v, last %v, want the same: %t", first, last, same)
				}
			})
		})
	}
}

// The first requests of a client, which come side by side, agree.
func TestFirstRequestsOfAClientAgree(t *testing.T) {
	for range 50 {
		p, b := endpoint.New(), sticky(10, time.Hour)
		var wg sync.WaitGroup
		got := make([]route.Endpoint, 8)
		for i := range got {
			wg.Go(func() {
				l, _ := p.Pick(b, endpoint.Ask{Client: alice})
				got[i] = l.Endpoint
			})
		}
		wg.Wait()
		for _, e := range got {
			if e != got[0] {
				t.Fatalf("one client was given %v", got)
			}
		}
	}
}
