package gateway

import (
	"cmp"
	"context"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apiserver/pkg/authentication/user"

	"github.com/causeway-access/causeway/internal/fault"
	"github.com/causeway-access/causeway/internal/route"
)

// Limits bound what callers may have under way at one time. The zero value is
// the defaults; a negative number is no limit.
type Limits struct {
	// InFlight is how many requests the gateway serves at a time; 4096 by
	// default. When so many are under way, further ones wait, and those callers
	// go first who have the fewest.
	InFlight int
	// InFlightPerUser is how many of them one user may have; 1024 by default.
	InFlightPerUser int
	// UpgradesPerUser is how many upgraded connections one user may have; 1024
	// by default. They are counted apart, since they last.
	UpgradesPerUser int
}

const (
	defaultInFlight        = 4096
	defaultInFlightPerUser = 1024
	defaultUpgradesPerUser = 1024
	// waitingPerUser is how many requests of one user may wait when the gateway
	// is busy, and patience how long.
	waitingPerUser = 256
	patience       = 5 * time.Second
	// retryAfter is when one who was refused may try again, in seconds.
	retryAfter = 1
)

// limits count what is under way. A request that is admitted at once, as all
// are until the gateway is busy, takes no lock.
type limits struct {
	max, perUser, upgrades int64

	running atomic.Int64
	users   *route.Table[string, *caller]
	queue   queue

	refused [refusals]prometheus.Counter
}

// caller is what one user has under way.
type caller struct {
	running, upgrades atomic.Int64
	waiting           []*waiter // guarded by queue.mu; the first came first
}

// The reasons of a refusal.
const (
	refusedUser     = iota // the user has too many requests under way
	refusedUpgrades        // the user has too many upgraded connections
	refusedBusy            // the gateway has, and this one waited in vain
	refusals
)

func newLimits(l Limits, register func(prometheus.Collector) error) (*limits, error) {
	vec := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "causeway_gateway_refused_total",
		Help: "Requests refused with 429, by reason: user for too many of the same user's, upgrades for too many of his upgraded connections, busy for too many of all.",
	}, []string{"reason"})
	got := &limits{
		max:      bound(l.InFlight, defaultInFlight),
		perUser:  bound(l.InFlightPerUser, defaultInFlightPerUser),
		upgrades: bound(l.UpgradesPerUser, defaultUpgradesPerUser),
		users:    route.NewTable[string, *caller](),
	}
	for i, reason := range [refusals]string{"user", "upgrades", "busy"} {
		got.refused[i] = vec.WithLabelValues(reason)
	}
	if register == nil {
		return got, nil
	}
	return got, register(vec)
}

// bound is a limit as counted with.
func bound(limit, otherwise int) int64 {
	if limit < 0 {
		return 1 << 62
	}
	return int64(cmp.Or(limit, otherwise))
}

// slot is the right to be under way. It must be left exactly once.
type slot struct {
	limits  *limits
	caller  *caller
	upgrade bool
}

// enter admits a request of a user, waits until it may be, or refuses it.
func (l *limits) enter(r *http.Request, u user.Info) (slot, error) {
	c := l.caller(u.GetName())
	s := slot{l, c, upgradeOf(r) != ""}
	if s.upgrade {
		if c.upgrades.Add(1) > l.upgrades {
			c.upgrades.Add(-1)
			return slot{}, l.refuse(refusedUpgrades, "you have "+strconv.FormatInt(l.upgrades, 10)+" upgraded connections")
		}
		return s, nil
	}
	if c.running.Add(1) > l.perUser {
		c.running.Add(-1)
		return slot{}, l.refuse(refusedUser, "you have "+strconv.FormatInt(l.perUser, 10)+" requests under way")
	}
	if l.queue.waiting.Load() == 0 && l.acquire() {
		return s, nil
	}
	if err := l.wait(r.Context(), c); err != nil {
		c.running.Add(-1)
		return slot{}, err
	}
	return s, nil
}

// leave ends what enter began.
func (s slot) leave() {
	if s.upgrade {
		s.caller.upgrades.Add(-1)
		return
	}
	s.caller.running.Add(-1)
	s.limits.release()
}

// acquire takes one of the places of the whole gateway, if there is one.
func (l *limits) acquire() bool {
	for {
		n := l.running.Load()
		if n >= l.max {
			return false
		}
		if l.running.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

func (l *limits) caller(name string) *caller {
	return l.users.LoadOrStore(name, func() *caller { return new(caller) })
}

// refuse says that the request may be repeated later.
func (l *limits) refuse(reason int, why string) error {
	l.refused[reason].Inc()
	return &fault.Error{
		Kind: fault.TooMany, Op: "gateway.enter", Message: "too many requests: " + why + "; try again later",
		Details: &metav1.StatusDetails{RetryAfterSeconds: retryAfter},
	}
}

// sweep forgets users who have nothing under way.
func (l *limits) sweep() {
	l.queue.mu.Lock()
	defer l.queue.mu.Unlock()
	l.users.DeleteFunc(func(_ string, c *caller) bool {
		return c.running.Load() == 0 && c.upgrades.Load() == 0 && len(c.waiting) == 0
	})
}

// wait has the request of c wait for its turn.
func (l *limits) wait(ctx context.Context, c *caller) error {
	w := &waiter{turn: make(chan struct{})}
	if !l.queue.add(l, c, w) {
		return l.refuse(refusedBusy, "the server is busy")
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-w.turn:
		return nil
	case <-timer.C:
	case <-ctx.Done():
	}
	if l.queue.remove(c, w) {
		if ctx.Err() != nil {
			return fault.Wrap(fault.Canceled, "gateway.enter", "the client closed the request", ctx.Err())
		}
		return l.refuse(refusedBusy, "the server is busy")
	}
	return nil // its turn came at the same moment
}

// release gives a place back, to those who wait if there are any.
func (l *limits) release() {
	l.running.Add(-1)
	if l.queue.waiting.Load() > 0 {
		l.queue.dispatch(l)
	}
}
