package garbagecollector

import (
	"context"

	"golang.org/x/sync/errgroup"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/causeway-access/causeway/internal/controller"
)

// orphan makes what the object owns its own master, then lets the object go.
func (c *collector) orphan(ctx context.Context, owner *object) error {
	// Dependents of a kind not listed yet, or not heard of yet, would be missed.
	if !c.monitors.ready() || c.behind(ctx, owner) {
		return controller.ErrAgain
	}
	var work errgroup.Group
	work.SetLimit(parallel)
	for _, dependent := range c.graph.dependentsOf(owner.uid) {
		work.Go(func() error {
			latest, err := c.live(ctx, dependent.identity)
			if latest == nil || err != nil {
				return err
			}
			return c.dropOwners(ctx, dependent.identity, latest, []types.UID{owner.uid})
		})
	}
	if err := work.Wait(); err != nil {
		return err
	}
	return c.removeFinalizer(ctx, owner.identity, metav1.FinalizerOrphanDependents)
}

// foreground lets the object go when nothing that it owns holds it up, and
// else sees to it that all it owns is deleted.
func (c *collector) foreground(ctx context.Context, owner *object) error {
	if !c.monitors.ready() {
		return controller.ErrAgain
	}
	held := false
	for _, dependent := range c.graph.dependentsOf(owner.uid) {
		held = held || dependent.blocks(owner.uid)
		if !dependent.deleting {
			c.Add(dependent.uid)
		}
	}
	if held {
		return nil // the last dependent's deletion brings us back
	}
	if c.behind(ctx, owner) {
		return controller.ErrAgain
	}
	return c.removeFinalizer(ctx, owner.identity, metav1.FinalizerDeleteDependents)
}
