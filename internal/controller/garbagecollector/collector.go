// Package garbagecollector deletes objects whose owners are gone, and carries
// out what deleting an owner in the foreground, or orphaning what it owns, asks.
//
// It watches the metadata of all objects that can be deleted and keeps in a
// graph who owns whom. The graph tells what to look at, never what to delete:
// an object is deleted only after the API itself has said that each of its
// owners is gone, and the deletion names the UID and the resource version that
// were looked at. So a graph that is behind costs time and not objects.
//
// Who counts as an owner: an object of the kind, name and UID in the reference,
// in the namespace of the dependent, or in none if the kind has none. A
// reference of another namespace's object is therefore one to nothing. A
// reference that cannot be looked up (its kind is not served, or a
// cluster-wide object names an owner in a namespace) protects its dependent.
//
// Floor 2: a client of the API only.
package garbagecollector

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/metadata"
	"k8s.io/utils/lru"

	"github.com/causeway-access/causeway/internal/controller"
)

const (
	workers = 8

	// parallel is how many dependents of one object are orphaned at once.
	parallel = 16

	// absentOwners is how many owners known to be gone are remembered, so that
	// ten thousand dependents of one owner ask for it about once.
	absentOwners = 512

	// refreshEvery is how often the collector asks which kinds there are. It
	// also asks when a CustomResourceDefinition changes.
	refreshEvery = 30 * time.Second
)

// Discovery says which kinds of objects the API server has.
type Discovery interface {
	ServerGroupsAndResources() ([]*metav1.APIGroup, []*metav1.APIResourceList, error)
}

// Config is what this controller needs beside what all need.
type Config struct {
	// Metadata watches, patches and deletes objects of any kind. Required.
	Metadata metadata.Interface

	// Discovery must not cache for long. Required.
	Discovery Discovery
}

// collector is the controller. Its key is the UID of an object to look at.
type collector struct {
	*controller.Loop[types.UID]

	metadata metadata.Interface
	logger   *slog.Logger
	graph    *graph
	monitors *monitors
	absent   *lru.Cache // set of identity: owners that the API said are gone
}

// New makes the controller.
func New(config controller.Config, own Config) (controller.Controller, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	if own.Metadata == nil || own.Discovery == nil {
		return nil, fmt.Errorf("configuring controller garbagecollector: metadata client and discovery are required")
	}
	logger := config.For("garbagecollector")
	c := &collector{
		metadata: own.Metadata,
		logger:   logger,
		graph:    newGraph(),
		absent:   lru.New(absentOwners),
	}
	c.monitors = newMonitors(own, logger, c)
	c.Loop = controller.NewLoop("garbagecollector", workers, logger, c.reconcile)
	c.Needs(c.monitors.ready)
	return c, nil
}

// Run implements controller.Controller.
func (c *collector) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.monitors.run(ctx)
	}()
	err := c.Loop.Run(ctx)
	cancel()
	<-done
	return err
}

// observed takes in the present form of an object.
func (c *collector) observed(object *object) {
	for _, uid := range c.graph.set(object) {
		c.Add(uid)
	}
}

// gone takes in that an object is no longer there.
func (c *collector) gone(uid types.UID) {
	for _, affected := range c.graph.remove(uid) {
		c.Add(affected)
	}
}

// forget takes in that a resource is no longer served, or in another version.
func (c *collector) forget(resource schema.GroupVersionResource) {
	for _, uid := range c.graph.of(resource) {
		c.gone(uid)
	}
}

// reconcile looks at one object.
func (c *collector) reconcile(ctx context.Context, uid types.UID) error {
	object := c.graph.get(uid)
	switch {
	case object == nil:
		return nil
	case object.deleting && object.orphaning:
		return c.orphan(ctx, object)
	case object.deleting && object.foreground:
		return c.foreground(ctx, object)
	case object.deleting:
		return nil
	case c.graph.doubtful(object):
		return c.collect(ctx, object)
	}
	return nil
}
