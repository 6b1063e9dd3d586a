package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"syscall"
	"time"

	"github.com/causeway-access/causeway/internal/catalog/catalogtest"
)

// threadOnly asks getrusage(2) for the calling thread alone (RUSAGE_THREAD).
const threadOnly = 1

// changesPerSecond is how many endpoints change while targets are resolved.
const changesPerSecond = 100

// resolve measures what it costs to find out what a target stands for, in
// clusters of several sizes: time of the processor, since others use it too.
// The peer of each is the smallest cluster.
func resolve(ctx context.Context, b *bench) error {
	var one, anyOf float64 // in the smallest
	for _, services := range []int{10, 1000, 10000} {
		c, err := catalogtest.New(ctx, services)
		if err != nil {
			return err
		}
		gotOne, gotAny, err := b.measureResolve(ctx, c)
		c.Close()
		if err != nil {
			return err
		}
		if one == 0 {
			one, anyOf = gotOne, gotAny
		}
		size := fmt.Sprintf("%d services of %d endpoints", services, catalogtest.Endpoints)
		b.report.compare("resolve one of "+size, "ns", gotOne, "of 10", one)
		b.report.compare("resolve any of "+size, "ns", gotAny, "of 10", anyOf)
		b.report.add("memory of the catalog, "+size, "B per service", float64(c.Bytes)/float64(services))
	}
	return nil
}

// measureResolve returns the medians for one service asked for again and
// again, and for any of them, in nanoseconds.
func (b *bench) measureResolve(ctx context.Context, c *catalogtest.Cluster) (one, anyOf float64, err error) {
	stop := change(ctx, c)
	defer stop()
	return b.interleave(
		func(int) (float64, error) { return resolveTime(ctx, c, func() int { return 0 }) },
		func(int) (float64, error) {
			return resolveTime(ctx, c, func() int { return rand.IntN(len(c.Targets)) })
		},
	)
}

// change has endpoints change until it is stopped.
func change(ctx context.Context, c *catalogtest.Cluster) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var done sync.WaitGroup
	done.Go(func() {
		tick := time.NewTicker(time.Second / changesPerSecond)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				c.Change()
			}
		}
	})
	return func() { cancel(); done.Wait() }
}

// resolveTime resolves for a while and returns the time per target that the
// thread was running.
func resolveTime(ctx context.Context, c *catalogtest.Cluster, next func() int) (float64, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	before, err := threadTime()
	if err != nil {
		return 0, err
	}
	n := 0
	for begun := time.Now(); time.Since(begun) < window/3 && ctx.Err() == nil; {
		for range 1000 {
			if _, err := c.Catalog.Resolve(c.Targets[next()]); err != nil {
				return 0, err
			}
			n++
		}
	}
	after, err := threadTime()
	if err != nil {
		return 0, err
	}
	return float64((after - before).Nanoseconds()) / float64(max(n, 1)), context.Cause(ctx)
}

// threadTime is how long the thread has been running.
func threadTime() (time.Duration, error) {
	var u syscall.Rusage
	if err := syscall.Getrusage(threadOnly, &u); err != nil {
		return 0, fmt.Errorf("reading the processor time of the thread: %w", err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()), nil
}
