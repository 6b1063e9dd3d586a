package gateway

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apiserver/pkg/authentication/user"

	"github.com/causeway-access/causeway/internal/fault"
)

// crowd asks for slots as several users.
type crowd struct {
	t      *testing.T
	limits *limits
}

func newCrowd(t *testing.T, l Limits) crowd {
	t.Helper()
	got, err := newLimits(l, nil)
	if err != nil {
		t.Fatal(err)
	}
	return crowd{t, got}
}

func (c crowd) try(ctx context.Context, name string, header ...string) (slot, error) {
	r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/", nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return c.limits.enter(r, &user.DefaultInfo{Name: name})
}

func (c crowd) enter(name string, header ...string) slot {
	c.t.Helper()
	s, err := c.try(c.t.Context(), name, header...)
	if err != nil {
		c.t.Fatalf("%s: %v", name, err)
	}
	return s
}

func (c crowd) refused(name string, header ...string) {
	c.t.Helper()
	_, err := c.try(c.t.Context(), name, header...)
	if !fault.Is(err, fault.TooMany) || fault.Status(err).Details.RetryAfterSeconds == 0 {
		c.t.Errorf("%s: got %v, want to be told to come again later", name, err)
	}
}

func TestAUserHasSoManyRequestsAndOthersTheirs(t *testing.T) {
	c := newCrowd(t, Limits{InFlightPerUser: 2, UpgradesPerUser: 1})
	first := c.enter("alice")
	c.enter("alice")
	c.refused("alice")
	c.enter("bob")
	upgraded := c.enter("alice", "Connection", "Upgrade", "Upgrade", "websocket") // counted apart
	c.refused("alice", "Connection", "Upgrade", "Upgrade", "websocket")
	first.leave()
	c.enter("alice")
	c.refused("alice")
	upgraded.leave()
	c.enter("alice", "Connection", "Upgrade", "Upgrade", "websocket")
}

func TestNegativeIsNoLimit(t *testing.T) {
	c := newCrowd(t, Limits{InFlight: -1, InFlightPerUser: -1, UpgradesPerUser: -1})
	for range 5000 {
		c.enter("alice")
		c.enter("alice", "Connection", "Upgrade", "Upgrade", "websocket")
	}
}

// A story: Alice floods the gateway. Bob, who comes last, is served next.
func TestWhoHasLeastGoesFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(t, Limits{InFlight: 3})
		var mu sync.Mutex
		var served []string
		slots := []slot{c.enter("alice"), c.enter("alice"), c.enter("alice")}
		wait := func(name, request string) {
			go func() {
				s := c.enter(name)
				mu.Lock()
				defer mu.Unlock()
				served, slots = append(served, request), append(slots, s)
			}()
			synctest.Wait()
		}
		for i := range 3 {
			wait("alice", fmt.Sprintf("alice %d", i))
		}
		wait("bob", "bob 0")
		wait("bob", "bob 1")
		wait("carol", "carol 0")
		for range 6 {
			mu.Lock()
			s := slots[0]
			slots = slots[1:]
			mu.Unlock()
			s.leave()
			synctest.Wait()
		}
		// Bob and Carol have nothing yet; then Alice, who came before, and Bob
		// have one each.
		want := []string{"bob 0", "carol 0", "alice 0", "bob 1", "alice 1", "alice 2"}
		if diff := cmp.Diff(want, served); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
		for _, s := range slots {
			s.leave()
		}
		if n := c.limits.running.Load(); n != 0 {
			t.Errorf("%d under way in the end", n)
		}
		c.limits.sweep()
		if n := c.limits.users.Len(); n != 0 {
			t.Errorf("%d users are remembered who have nothing", n)
		}
	})
}

func TestWaitingEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(t, Limits{InFlight: 1})
		only := c.enter("alice")
		begun := time.Now()
		c.refused("bob")
		if waited := time.Since(begun); waited != patience {
			t.Errorf("bob waited %v, want %v", waited, patience)
		}
		ctx, cancel := context.WithCancel(t.Context())
		go func() { time.Sleep(time.Second); cancel() }()
		if _, err := c.try(ctx, "bob"); !fault.Is(err, fault.Canceled) {
			t.Errorf("bob went away: got %v", err)
		}
		for range waitingPerUser {
			go c.try(t.Context(), "bob")
		}
		synctest.Wait()
		begun = time.Now()
		c.refused("bob") // at once
		if waited := time.Since(begun); waited != 0 {
			t.Errorf("one too many waited %v", waited)
		}
		only.leave()
		time.Sleep(2 * patience)
		if n := c.limits.running.Load(); n != 1 {
			t.Errorf("%d under way, want the one of bob's whose turn came", n)
		}
	})
}

// Many come and go at once; nobody is forgotten and no place is lost.
func TestPlacesAreNeitherLostNorMade(t *testing.T) {
	const places = 4
	synctest.Test(t, func(t *testing.T) { // where nobody's patience ends while others run
		c := newCrowd(t, Limits{InFlight: places})
		var all sync.WaitGroup
		for i := range 16 {
			all.Go(func() {
				for range 500 {
					s, err := c.try(t.Context(), fmt.Sprint("user ", i%5))
					if err != nil {
						t.Error(err)
						return
					}
					if n := c.limits.running.Load(); n > places {
						t.Errorf("%d under way, want at most %d", n, places)
					}
					s.leave()
				}
			})
		}
		all.Wait()
		if n, w := c.limits.running.Load(), c.limits.queue.waiting.Load(); n != 0 || w != 0 {
			t.Errorf("in the end %d are under way and %d wait", n, w)
		}
	})
}

func BenchmarkLimits(b *testing.B) {
	l, err := newLimits(Limits{}, nil)
	if err != nil {
		b.Fatal(err)
	}
	r, u := httptest.NewRequest(http.MethodGet, "/", nil), &user.DefaultInfo{Name: "alice"}
	b.ReportAllocs()
	for b.Loop() {
		s, err := l.enter(r, u)
		if err != nil {
			b.Fatal(err)
		}
		s.leave()
	}
}
