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
	// gcUsual and gcMost are percentages as of GOGC: how far the heap may grow
	// before the next collection.
	gcUsual, gcMost = 100, 400
	// gcRoom bounds by how many bytes it may grow beyond what is usual: a
	// large heap is seldom collected in any case.
	gcRoom = 256 << 20
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
	samples := []metrics.Sample{{Name: "/gc/cycles/total:gc-cycles"}, {Name: "/gc/heap/live:bytes"}}
	read := func() (cycles, live uint64) {
		metrics.Read(samples)
		return samples[0].Value.Uint64(), samples[1].Value.Uint64()
	}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	c := collections{percent: gcUsual}
	for last, _ := read(); ; {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		cycles, live := read()
		if c.second(cycles-last, live) {
			debug.SetGCPercent(c.percent)
		}
		last = cycles
	}
}

// collections remembers how often the collector has run lately.
type collections struct {
	percent int // of now
	busy    bool
	quiet   int // seconds without a collection
}

// second takes the number of collections in the last second and the bytes that
// the last one found alive. It reports whether the percentage has changed.
func (c *collections) second(n, live uint64) bool {
	if n == 0 {
		c.quiet++
	} else {
		c.quiet = 0
	}
	switch {
	case n >= gcOften:
		c.busy = true
	case c.quiet >= gcQuiet:
		c.busy = false
	}
	percent := gcUsual
	if c.busy {
		percent = min(gcMost, gcUsual+int(gcRoom*100/max(live, 1<<20)))
	}
	// Each change stops all goroutines for a moment: no small ones.
	if diff := percent - c.percent; diff > -20 && diff < 20 && percent != gcUsual || diff == 0 {
		return false
	}
	c.percent = percent
	return true
}
