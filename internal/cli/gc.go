package cli

import (
	"context"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// The garbage collector marks all that the API server keeps (caches, schemas),
// some 70 MB, however little of it changes. A busy gateway makes a little
// garbage with each request, and the collector would run all the time.
const (
	// gcUsual and gcBusy are percentages as of GOGC.
	gcUsual, gcBusy = 100, 400
	// gcOften is how many collections in a second are too many, and gcQuiet
	// after how many seconds without any it is no longer busy.
	gcOften, gcQuiet = 2, 10
)

// collectAsNeeded lets the heap grow further between collections while there
// are many, until ctx ends. An operator who has set GOGC or GOMEMLIMIT knows
// better.
func collectAsNeeded(ctx context.Context) {
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	sample := []metrics.Sample{{Name: "/gc/cycles/total:gc-cycles"}}
	read := func() uint64 {
		metrics.Read(sample)
		return sample[0].Value.Uint64()
	}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	var c collections
	for last := read(); ; {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now := read()
		if percent, change := c.second(now - last); change {
			debug.SetGCPercent(percent)
		}
		last = now
	}
}

// collections remembers how often the collector has run lately.
type collections struct {
	busy  bool
	quiet int // seconds without a collection
}

// second takes the number of collections in the last second, and returns a new
// percentage if it is to change.
func (c *collections) second(n uint64) (percent int, change bool) {
	if n == 0 {
		c.quiet++
	} else {
		c.quiet = 0
	}
	switch {
	case !c.busy && n >= gcOften:
		c.busy = true
		return gcBusy, true
	case c.busy && c.quiet >= gcQuiet:
		c.busy = false
		return gcUsual, true
	}
	return 0, false
}
