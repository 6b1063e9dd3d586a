// Package leak fails tests that leave goroutines behind, with more patience
// than goleak has itself: half a second after the last test is little on a
// machine that has much to do, where goroutines that are about to end have not
// run yet.
package leak

import (
	"fmt"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// patience is how long goroutines may take to end after the last test.
const patience = 30 * time.Second

// Main runs a package's tests and ends the process: with 1 if the tests pass
// and goroutines stay that no option ignores. It is for TestMain.
func Main(m *testing.M, options ...goleak.Option) {
	code := m.Run()
	if code == 0 {
		if err := find(patience, options...); err != nil {
			fmt.Fprintln(os.Stderr, "goroutines stay after the tests:", err)
			code = 1
		}
	}
	os.Exit(code)
}

// find looks until nothing is left, but no longer than that. goleak pauses
// between its own looks.
func find(patience time.Duration, options ...goleak.Option) error {
	deadline := time.Now().Add(patience)
	for {
		err := goleak.Find(options...)
		if err == nil || time.Now().After(deadline) {
			return err
		}
	}
}
