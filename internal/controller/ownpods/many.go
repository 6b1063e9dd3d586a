package ownpods

import "golang.org/x/sync/errgroup"

// parallel is how many requests are under way for an owner.
const parallel = 16

// InParallel does something with each of items, several at a time, and returns
// the first error.
func InParallel[T any](items []T, do func(T) error) error {
	var work errgroup.Group
	work.SetLimit(parallel)
	for _, item := range items {
		work.Go(func() error { return do(item) })
	}
	return work.Wait()
}

// InBatches is InParallel in batches that double: if the API server refuses the
// first, as for a quota, it is not asked for the others.
func InBatches[T any](items []T, do func(T) error) error {
	for batch := 1; len(items) > 0; batch *= 2 {
		size := min(batch, len(items))
		if err := InParallel(items[:size], do); err != nil {
			return err
		}
		items = items[size:]
	}
	return nil
}
