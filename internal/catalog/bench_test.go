package catalog_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/causeway-access/causeway/internal/catalog/catalogtest"
)

// BenchmarkResolve resolves one service, and any service, while 100 endpoints
// a second change.
func BenchmarkResolve(b *testing.B) {
	for _, n := range []int{10, 1000, 10000} {
		c, err := catalogtest.New(b.Context(), n)
		if err != nil {
			b.Fatal(err)
		}
		stop := changing(b.Context(), c)
		b.Run(fmt.Sprintf("services=%d/one", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := c.Catalog.Resolve(c.Targets[0]); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(c.Bytes)/float64(n), "B/service")
		})
		b.Run(fmt.Sprintf("services=%d/any", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := c.Catalog.Resolve(c.Targets[rand.IntN(n)]); err != nil {
					b.Fatal(err)
				}
			}
		})
		stop()
		c.Close()
	}
}

// changing has 100 endpoints a second change until it is stopped.
func changing(ctx context.Context, c *catalogtest.Cluster) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var done sync.WaitGroup
	done.Go(func() {
		for ctx.Err() == nil {
			c.Change()
			time.Sleep(10 * time.Millisecond)
		}
	})
	return func() { cancel(); done.Wait() }
}
