package crilog

import (
	"context"
	"time"
)

// watcher waits for changes in the directory of a log.
type watcher struct {
	// changed has an element when something may have changed. Nil where the
	// system does not tell: then one has to look.
	changed <-chan struct{}
	close   func()
}

// The pauses between looks. They grow while nothing is written.
const (
	shortestPause = 20 * time.Millisecond
	longestPause  = time.Second
)

// wait returns when something may have been written, when the container that
// is followed has ended, or when ctx has.
func (w *watcher) wait(ctx context.Context, follow <-chan struct{}, pause time.Duration) {
	var look <-chan time.Time
	if w.changed == nil {
		timer := time.NewTimer(pause)
		defer timer.Stop()
		look = timer.C
	}
	select {
	case <-w.changed:
	case <-look:
	case <-follow:
	case <-ctx.Done():
	}
}
