package controller_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/cache"

	"github.com/causeway-access/causeway/internal/controller"
	"github.com/causeway-access/causeway/internal/controller/controllertest"
	"github.com/causeway-access/causeway/test/fakeapi"
)

// run runs loop in the bubble of the test until story returns.
func run(t *testing.T, c controller.Controller, story func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	story()
	cancel()
	if err := <-done; err != nil {
		t.Errorf("Run returned %v, want nil", err)
	}
}

func TestFailureIsRetriedUntilItSucceedsAndLoggedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		tries := 0
		loop := controller.NewLoop("test", 1, slog.New(slog.NewTextHandler(&log, nil)), func(context.Context, string) error {
			if tries++; tries < 6 {
				return errors.New("no luck")
			}
			return nil
		})
		run(t, loop, func() {
			loop.Add("key")
			time.Sleep(time.Minute)
			synctest.Wait()
		})
		if tries != 6 {
			t.Errorf("reconciled %d times, want 6", tries)
		}
		if got := strings.Count(log.String(), "no luck"); got != 1 {
			t.Errorf("the failure was logged %d times, want once:\n%s", got, log.String())
		}
		if !strings.Contains(log.String(), "reconciled after failures") {
			t.Errorf("the recovery was not logged:\n%s", log.String())
		}
	})
}

func TestNotDoneYetIsNotLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		tries := 0
		loop := controller.NewLoop("test", 1, slog.New(slog.NewTextHandler(&log, nil)), func(context.Context, string) error {
			if tries++; tries < 3 {
				return controller.ErrAgain
			}
			return nil
		})
		run(t, loop, func() {
			loop.Add("key")
			time.Sleep(time.Minute)
			synctest.Wait()
		})
		if tries != 3 || log.Len() != 0 {
			t.Errorf("reconciled %d times with log %q, want 3 times and nothing logged", tries, log.String())
		}
	})
}

func TestPanicOfOneKeyDoesNotStopOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var good atomic.Bool
		loop := controller.NewLoop("test", 1, slog.New(slog.DiscardHandler), func(_ context.Context, key string) error {
			if key == "bad" {
				panic("boom")
			}
			good.Store(true)
			return nil
		})
		run(t, loop, func() {
			loop.Add("bad")
			loop.Add("good")
			time.Sleep(time.Second)
			synctest.Wait()
		})
		if !good.Load() {
			t.Error("the key after the one that panics was not reconciled")
		}
	})
}

func TestOneKeyIsNotReconciledTwiceAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var inside, most, total atomic.Int32
		loop := controller.NewLoop("test", 8, slog.New(slog.DiscardHandler), func(context.Context, string) error {
			most.Store(max(most.Load(), inside.Add(1)))
			time.Sleep(time.Second)
			inside.Add(-1)
			total.Add(1)
			return nil
		})
		run(t, loop, func() {
			for range 10 {
				loop.Add("key")
				time.Sleep(100 * time.Millisecond)
			}
			time.Sleep(5 * time.Second)
		})
		if most.Load() != 1 || total.Load() < 2 {
			t.Errorf("%d at once and %d in all, want 1 at once, and again for what was added meanwhile", most.Load(), total.Load())
		}
	})
}

func TestNothingIsReconciledBeforeCachesAreSynced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var synced, reconciled atomic.Bool
		loop := controller.NewLoop("test", 1, slog.New(slog.DiscardHandler), func(context.Context, string) error {
			reconciled.Store(true)
			return nil
		})
		loop.Needs(synced.Load)
		run(t, loop, func() {
			loop.Add("key")
			time.Sleep(time.Hour)
			select {
			case <-loop.Ready():
				t.Error("ready before the caches are synced")
			default:
			}
			if reconciled.Load() {
				t.Error("reconciled before the caches are synced")
			}
			synced.Store(true)
			<-loop.Ready()
			synctest.Wait()
			if !reconciled.Load() {
				t.Error("not reconciled after the caches are synced")
			}
		})
	})
}

func TestWatchAddsWhatIsThereAndWhatChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := fakeapi.NewClientset(&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "a", Name: "first"}})
		seen := map[string]int{}
		construct := func(config controller.Config) (controller.Controller, error) {
			loop := controller.NewLoop("test", 1, config.For("test"), func(_ context.Context, key cache.ObjectName) error {
				seen[key.String()]++
				return nil
			})
			return loop, controller.Watch(loop, config.Informers.Core().V1().ConfigMaps().Informer(), controller.KeyOf[*corev1.ConfigMap])
		}
		controllertest.Run(t, client, func(ctx context.Context) {
			if seen["a/first"] != 1 {
				t.Errorf("what was there was reconciled %d times, want once", seen["a/first"])
			}
			if err := client.CoreV1().ConfigMaps("a").Delete(ctx, "first", metav1.DeleteOptions{}); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			if seen["a/first"] != 2 {
				t.Errorf("after its deletion reconciled %d times, want twice", seen["a/first"])
			}
		}, construct)
	})
}

func TestGroupNamesTheMemberThatCannotStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		loop := controller.NewLoop("healthy", 1, slog.New(slog.DiscardHandler), func(context.Context, string) error { return nil })
		err := controller.Group("both", loop, unable{}).Run(t.Context())
		if err == nil || !strings.Contains(err.Error(), "unable: no legs") {
			t.Errorf("Run returned %v, want the name and error of the member", err)
		}
	})
}

type unable struct{}

func (unable) Name() string              { return "unable" }
func (unable) Run(context.Context) error { return errors.New("no legs") }
func (unable) Ready() <-chan struct{}    { return nil }

func TestWorkUnderWayFinishesWhenTheLoopEnds(t *testing.T) {
	for _, tt := range []struct {
		name     string
		takes    time.Duration
		finishes bool
	}{
		{"in time", time.Second, true},
		{"not in time", time.Hour, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begun := make(chan struct{})
				finished := false
				loop := controller.NewLoop("test", 1, slog.New(slog.DiscardHandler), func(ctx context.Context, _ string) error {
					close(begun)
					select {
					case <-time.After(tt.takes):
						finished = true
					case <-ctx.Done():
					}
					return nil
				})
				run(t, loop, func() {
					loop.Add("key")
					<-begun
				})
				if finished != tt.finishes {
					t.Errorf("finished: %v, want %v", finished, tt.finishes)
				}
			})
		})
	}
}
