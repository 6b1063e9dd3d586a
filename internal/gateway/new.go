package gateway

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/causeway-access/causeway/internal/endpoint"
	"github.com/causeway-access/causeway/internal/observe"
	"github.com/causeway-access/causeway/internal/route"
	"github.com/causeway-access/causeway/internal/transport"
)

// tidyEvery is every how many sweeps what is no longer used is dropped.
const tidyEvery = int(time.Minute / endpoint.SweepInterval)

// Gateway serves the access path. It is an http.Handler.
type Gateway struct {
	cfg       Config
	picker    *endpoint.Picker
	transport *transport.Transport
	observer  *observe.Observer
	limits    *limits
	running   *running

	// base ends when Drain gives up waiting: it is what upgraded connections,
	// which the server no longer knows of, live by.
	base context.Context
	stop context.CancelFunc
	done sync.WaitGroup
}

// New returns a Gateway. Close ends it.
func New(cfg Config) (*Gateway, error) {
	if cfg.Authenticator == nil || cfg.Authorizer == nil || cfg.Catalog == nil {
		return nil, errors.New("making the gateway: it needs an authenticator, an authorizer and a catalog")
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	limits, err := newLimits(cfg.Limits, cfg.Register)
	if err != nil {
		return nil, fmt.Errorf("making the gateway: %w", err)
	}
	picker := endpoint.New()
	picker.Report = (&notices{log: cfg.Logger}).report
	observer, err := observe.New(observe.Config{
		AccessLog: cfg.AccessLog, Register: cfg.Register, Audit: cfg.Audit, Policy: cfg.Policy,
		Tracer: cfg.Tracer, Logger: cfg.Logger, Ejections: picker.Ejections,
	})
	if err != nil {
		return nil, fmt.Errorf("making the gateway: %w", err)
	}
	g := &Gateway{
		cfg:      cfg,
		picker:   picker,
		limits:   limits,
		running:  newRunning(),
		observer: observer,
		transport: transport.New(transport.Config{
			Guard:   transport.Guard{Allowed: cfg.AllowedCIDRs, Own: cfg.Own},
			Dial:    cfg.Dial,
			Tunnel:  cfg.Tunnel,
			NodeTLS: cfg.NodeTLS,
			CA:      cfg.BackendCA,
		}),
	}
	g.base, g.stop = context.WithCancel(context.Background())
	g.done.Go(g.sweep)
	return g, nil
}

// sweep has the endpoints judged, takes back what waits at those that answer
// nothing, and keeps the memory of endpoints small.
func (g *Gateway) sweep() {
	next := time.NewTimer(endpoint.SweepInterval)
	defer next.Stop()
	for n := 1; ; n++ {
		select {
		case <-g.base.Done():
			return
		case <-next.C:
		}
		for _, frozen := range g.picker.Sweep() {
			g.transport.Abandon(frozen)
		}
		if n%tidyEvery == 0 {
			g.limits.sweep()
			g.transport.Sweep()
		}
		next.Reset(endpoint.SweepInterval) // a late sweep must not hurry the next
	}
}

// Drain waits until no request is under way, upgraded connections included. If
// ctx ends first it breaks off the upgraded ones and says how many were left.
// Stop accepting connections before.
func (g *Gateway) Drain(ctx context.Context) error {
	err := g.running.wait(ctx)
	if err == nil {
		return nil
	}
	left := g.running.n.Load()
	g.stop()
	return fmt.Errorf("draining the gateway: %d requests still under way: %w", left, err)
}

// Forget drops the connections kept to endpoints for which moved is true; see
// [transport.Transport.Forget].
func (g *Gateway) Forget(moved func(route.Endpoint) bool) { g.transport.Forget(moved) }

// Close breaks off what is left, and waits for it. Drain before.
func (g *Gateway) Close() {
	g.stop()
	_ = g.running.wait(context.Background()) // never fails: that context does not end
	g.done.Wait()
	g.transport.Close()
	g.observer.Close()
}
