package crilog

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"time"
)

// Options say what of a log is wanted. The zero value is all of it, as it is now.
type Options struct {
	// Tail is how many lines, the last ones; all if nil. Parts of lines that
	// another stream has come between may be missing from the first.
	Tail *int64
	// Since leaves out what is older.
	Since time.Time
	// Stream is Stdout or Stderr; both if empty.
	Stream string
	// Timestamps puts the time before each line, in UTC.
	Timestamps bool
	// Limit is how many bytes at most; no limit if nil.
	Limit *int64
	// Follow waits for more until it is closed, and what was written by then
	// is read: the container has ended. Nil does not wait.
	Follow <-chan struct{}
}

const (
	// block is how much is read and written at once.
	block = 64 << 10
	// longestLine bounds a line of a file. What is longer is damaged.
	longestLine = 1 << 20
)

// Copy writes the log path, as [Writer] writes it, without what the format
// adds: parts of lines are joined. Older files of it are part of it. What is
// there is written to w at once, so that who follows sees it when it happens.
// Damaged lines are left out. The error is [os.ErrNotExist] if there is no log;
// one that is followed is waited for.
func Copy(ctx context.Context, w io.Writer, path string, o Options) error {
	c := newCopier(w, path, o)
	defer c.close()
	if o.Follow != nil {
		changes, err := watch(filepath.Dir(path))
		if err != nil {
			return fmt.Errorf("following a log: %w", err)
		}
		defer changes.close()
		c.changes = changes
	}
	if err := c.open(o); err != nil {
		return fmt.Errorf("reading a log: %w", err)
	}
	if err := c.run(ctx, o.Follow); err != nil && !errors.Is(err, errLimit) {
		return fmt.Errorf("reading a log: %w", err)
	}
	return nil
}
