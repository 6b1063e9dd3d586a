package controller

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"
)

// group is several controllers under one name.
type group struct {
	name    string
	members []Controller
	ready   chan struct{}
}

// Group makes one controller of several that belong together. It is ready when
// all are; if one cannot start, all end.
func Group(name string, members ...Controller) Controller {
	return &group{name: name, members: members, ready: make(chan struct{})}
}

func (g *group) Name() string { return g.name }

func (g *group) Ready() <-chan struct{} { return g.ready }

func (g *group) Run(ctx context.Context) error {
	running, ctx := errgroup.WithContext(ctx)
	for _, member := range g.members {
		running.Go(func() error {
			if err := member.Run(ctx); err != nil {
				return fmt.Errorf("%s: %w", member.Name(), err)
			}
			return nil
		})
	}
	running.Go(func() error {
		if WaitReady(ctx, g.members...) == nil {
			close(g.ready)
		}
		return nil
	})
	return running.Wait()
}

// WaitReady returns nil when all controllers are ready, or an error which
// names the first that was not when ctx ended.
func WaitReady(ctx context.Context, controllers ...Controller) error {
	for _, c := range controllers {
		select {
		case <-c.Ready():
		case <-ctx.Done():
			return fmt.Errorf("waiting for controller %s to be ready: %w", c.Name(), context.Cause(ctx))
		}
	}
	return nil
}
