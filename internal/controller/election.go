package controller

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/go-logr/logr"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
	"k8s.io/klog/v2"
)

// The times of an election are those of Kubernetes' own controllers: a leader
// that is gone is replaced within leaseLife and one retry.
const (
	leaseLife     = 15 * time.Second
	renewDeadline = 10 * time.Second
	electionRetry = 2 * time.Second
)

// Election has one of several processes do what they cannot share: work whose
// writes are not idempotent, such as the creation of pods with random names. It is a
// [Controller] itself, which runs for the lease; the loops that take part
// (see [Loop.Elect]) work while this process holds it. Their caches and queues
// are kept current all the time, so that a new leader goes on at once.
type Election struct {
	lock    resourcelock.Interface
	logger  *slog.Logger
	ready   chan struct{}
	mu      sync.Mutex
	term    context.Context // ended when this process does not lead
	elected chan struct{}   // closed when the next term begins
}

var _ Controller = (*Election)(nil)

// NewElection makes an election over the lease of that name in kube-system.
// The identity tells this process from the others that run for it. One that
// comes back with the same identity goes on with its lease.
func NewElection(client kubernetes.Interface, name, identity string, logger *slog.Logger) *Election {
	over, end := context.WithCancel(context.Background())
	end()
	return &Election{
		lock: &resourcelock.LeaseLock{
			LeaseMeta:  metav1.ObjectMeta{Namespace: metav1.NamespaceSystem, Name: name},
			Client:     client.CoordinationV1(),
			LockConfig: resourcelock.ResourceLockConfig{Identity: identity},
		},
		logger: logger.With("election", name), ready: make(chan struct{}), term: over, elected: make(chan struct{}),
	}
}

// Name implements [Controller].
func (e *Election) Name() string { return "election" }

// Ready implements [Controller]. A process that does not lead is ready too.
func (e *Election) Ready() <-chan struct{} { return e.ready }

// Run implements [Controller].
func (e *Election) Run(ctx context.Context) error {
	close(e.ready)
	// The library tells of each try that failed; what matters is said here.
	ctx = klog.NewContext(ctx, logr.Discard())
	for ctx.Err() == nil {
		elector, err := leaderelection.NewLeaderElector(leaderelection.LeaderElectionConfig{
			Lock: e.lock, LeaseDuration: leaseLife, RenewDeadline: renewDeadline, RetryPeriod: electionRetry,
			ReleaseOnCancel: true, Name: e.lock.Describe(),
			Callbacks: leaderelection.LeaderCallbacks{OnStartedLeading: e.begin, OnStoppedLeading: func() {}},
		})
		if err != nil {
			return fmt.Errorf("preparing the election of a leader: %w", err)
		}
		elector.Run(ctx)
	}
	return nil
}

// begin starts a term.
func (e *Election) begin(term context.Context) {
	e.logger.Debug("This process leads the controllers")
	e.mu.Lock()
	e.term = term
	close(e.elected)
	e.elected = make(chan struct{})
	e.mu.Unlock()
	context.AfterFunc(term, func() { e.logger.Debug("This process does not lead the controllers any more") })
}

// errNotLeading is why the work of a term ends with it.
var errNotLeading = errors.New("this process does not lead any more")

// await returns the term under way, or the next; false if ctx ends first.
func (e *Election) await(ctx context.Context) (context.Context, bool) {
	for {
		e.mu.Lock()
		term, elected := e.term, e.elected
		e.mu.Unlock()
		if term.Err() == nil {
			return term, true
		}
		select {
		case <-ctx.Done():
			return nil, false
		case <-elected:
		}
	}
}
