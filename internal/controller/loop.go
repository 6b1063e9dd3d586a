package controller

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/workqueue"
)

// Limits of a loop's retries. A failing key is tried again after minBackoff,
// then after twice as long each time, up to maxBackoff, for ever.
const (
	minBackoff = 5 * time.Millisecond
	maxBackoff = time.Minute

	// finish is how long work under way may go on when the loop ends. Requests
	// that break off are noise in the log of the API server.
	finish = 2 * time.Second

	// slowSync is how long caches may take before the log says who waits.
	slowSync = 30 * time.Second
)

// Loop is the run loop of a reconciler whose work is keyed by K. It promises:
//   - reconcile is not called before all caches are synced;
//   - one key is never reconciled by two workers at once;
//   - a key added while it is being reconciled is reconciled once more;
//   - a failure (or a panic) is retried with growing delay, and logged when it
//     begins and when its text changes, not at each try.
type Loop[K comparable] struct {
	name      string
	workers   int
	logger    *slog.Logger
	reconcile func(ctx context.Context, key K) error

	queue  workqueue.TypedRateLimitingInterface[K]
	synced []cache.InformerSynced
	ready  chan struct{}

	election *Election // nil: this process always works

	mu     sync.Mutex
	failed map[K]string // the last error of each failing key
}

var _ Controller = (*Loop[string])(nil)

// NewLoop makes a loop of the given number of workers (at least one) which
// calls reconcile for each key that Watch, Add and AddAfter bring.
func NewLoop[K comparable](name string, workers int, logger *slog.Logger,
	reconcile func(ctx context.Context, key K) error) *Loop[K] {
	limiter := workqueue.NewTypedItemExponentialFailureRateLimiter[K](minBackoff, maxBackoff)
	return &Loop[K]{
		name:      name,
		workers:   max(workers, 1),
		logger:    logger,
		reconcile: reconcile,
		queue: workqueue.NewTypedRateLimitingQueueWithConfig(limiter,
			workqueue.TypedRateLimitingQueueConfig[K]{Name: name}),
		ready:  make(chan struct{}),
		failed: map[K]string{},
	}
}

// Name implements Controller.
func (l *Loop[K]) Name() string { return l.name }

// Ready implements Controller.
func (l *Loop[K]) Ready() <-chan struct{} { return l.ready }

// Add asks for key to be reconciled soon.
func (l *Loop[K]) Add(key K) { l.queue.Add(key) }

// AddAfter asks for key to be reconciled when d has passed.
func (l *Loop[K]) AddAfter(key K, d time.Duration) { l.queue.AddAfter(key, d) }

// Needs makes Run wait for a cache which the loop reads without watching it.
func (l *Loop[K]) Needs(synced ...cache.InformerSynced) { l.synced = append(l.synced, synced...) }

// Elect has the loop work only while this process leads. The context of the
// work ends with the term. A nil election changes nothing.
func (l *Loop[K]) Elect(e *Election) { l.election = e }

// Run implements Controller.
func (l *Loop[K]) Run(ctx context.Context) error {
	defer l.queue.ShutDown()
	if !l.waitForCaches(ctx) {
		return nil
	}
	work, abandon := context.WithCancel(context.WithoutCancel(ctx))
	defer abandon()
	var workers sync.WaitGroup
	for range l.workers {
		workers.Go(func() {
			for l.next(ctx, work) {
			}
		})
	}
	close(l.ready)
	<-ctx.Done()
	defer time.AfterFunc(finish, abandon).Stop()
	l.queue.ShutDown()
	workers.Wait()
	return nil
}

// waitForCaches reports false if ctx ended first.
func (l *Loop[K]) waitForCaches(ctx context.Context) bool {
	slow := time.AfterFunc(slowSync, func() {
		l.logger.Warn("still waiting for the API server to list what this controller watches", "after", slowSync)
	})
	defer slow.Stop()
	return cache.WaitForCacheSync(ctx.Done(), l.synced...)
}

// next reconciles one key in the context work. It reports false when the loop ends.
func (l *Loop[K]) next(ctx, work context.Context) bool {
	key, shutdown := l.queue.Get()
	if shutdown {
		return false
	}
	defer l.queue.Done(key)
	work, end, ok := l.term(ctx, work)
	defer end()
	if !ok || ctx.Err() != nil {
		return false
	}
	if err := l.contain(work, key); err != nil {
		if errors.Is(context.Cause(work), errNotLeading) {
			l.queue.Add(key) // for the next term
		} else if ctx.Err() == nil {
			l.logFailure(key, err)
			l.queue.AddRateLimited(key)
		}
		return true
	}
	l.queue.Forget(key)
	l.logRecovery(key)
	return true
}

// term waits until this process leads and returns work within its term; false
// if ctx ends first.
func (l *Loop[K]) term(ctx, work context.Context) (context.Context, func(), bool) {
	if l.election == nil {
		return work, func() {}, true
	}
	term, ok := l.election.await(ctx)
	if !ok {
		return work, func() {}, false
	}
	work, end := context.WithCancelCause(work)
	stop := context.AfterFunc(term, func() { end(errNotLeading) })
	return work, func() { stop(); end(nil) }, true
}

// contain turns a panic of reconcile into an error: one bad object must not
// end the process that serves all others.
func (l *Loop[K]) contain(ctx context.Context, key K) (err error) {
	defer func() {
		if r := recover(); r != nil {
			l.logger.Error("panic while reconciling", "key", key, "panic", r, "stack", string(debug.Stack()))
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	return l.reconcile(ctx, key)
}

func (l *Loop[K]) logFailure(key K, err error) {
	if expected(err) {
		return
	}
	text := err.Error()
	l.mu.Lock()
	known := l.failed[key] == text
	l.failed[key] = text
	l.mu.Unlock()
	if !known {
		l.logger.Warn("reconciling failed, will try again", "key", fmt.Sprint(key), "error", text)
	}
}

func (l *Loop[K]) logRecovery(key K) {
	l.mu.Lock()
	_, was := l.failed[key]
	delete(l.failed, key)
	l.mu.Unlock()
	if was {
		l.logger.Info("reconciled after failures", "key", fmt.Sprint(key))
	}
}
