// Package controller holds what all reconcilers share: the run loop with its
// queue and the small interface by which a cluster starts a list of them.
//
// A reconciler brings one kind of object from what is to what was asked for.
// Each lives in its own sub-package and is a client of the API and of nothing
// else: it reads through shared informers, writes through a clientset, and so
// works against any API server, ours or another. Several copies may run at
// once (one per API server); every write is therefore idempotent and guarded
// by a resource version, a UID or a name, or else the loop takes part in an
// [Election].
//
// Floor 2: imports no other package of this module but its own children's.
package controller

import (
	"context"
	"fmt"
	"log/slog"

	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
)

// Controller is one reconciler, or several that belong together.
type Controller interface {
	// Name is short, lower case and unique among the controllers of a cluster.
	Name() string

	// Run works until ctx ends, waits for the work under way, and returns nil.
	// It returns an error only if it could not start. It is called once.
	Run(ctx context.Context) error

	// Ready is closed when the controller has seen the state of the world
	// (its caches are synced) and works on it.
	Ready() <-chan struct{}
}

// Config is what every controller takes.
type Config struct {
	// Client writes, and reads where a cache would be too old. Required.
	Client kubernetes.Interface

	// Informers are the caches that controllers share. Constructors register
	// with them, so whoever assembles the controllers starts the factory after
	// the last constructor has returned. Required.
	Informers informers.SharedInformerFactory

	// Election lets loops that cannot share their work do it in one process at
	// a time. Nil means that there is but one process.
	Election *Election

	// Events writes the events that controllers record. Nil drops them.
	Events *Events

	// Logger takes what an operator should know. Nil is slog.Default.
	Logger *slog.Logger
}

// Validate says what is missing.
func (c Config) Validate() error {
	if c.Client == nil {
		return fmt.Errorf("configuring a controller: no client given")
	}
	if c.Informers == nil {
		return fmt.Errorf("configuring a controller: no informers given")
	}
	return nil
}

// For is the logger of the controller called name.
func (c Config) For(name string) *slog.Logger {
	logger := c.Logger
	if logger == nil {
		logger = slog.Default()
	}
	return logger.With("controller", name)
}
