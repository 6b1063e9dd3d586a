// Package bootstrap creates what a cluster cannot be without, and keeps it:
// the system's namespaces, the default RBAC roles and bindings, the service
// `kubernetes` with the addresses of all API servers that live, and the config
// map kube-public/cluster-info.
//
// What is missing is added back at each start; what people added stays, as in
// Kubernetes. Roles of controllers are left out: ours run inside the API
// server under its own identity.
//
// Floor 2: a client of the API only.
package bootstrap

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"time"

	"golang.org/x/sync/errgroup"
	"k8s.io/client-go/kubernetes"

	"github.com/causeway-access/causeway/internal/controller"
)

const (
	// keepEvery is how often what must be there is looked at, and how often a
	// server says that it lives.
	keepEvery = 10 * time.Second

	// parallel is how many requests are under way at once at the start.
	parallel = 32

	// farewell is how long a server that ends may take to say so.
	farewell = time.Second
)

// Config is what the cluster's objects say about this API server.
type Config struct {
	// Identity names this API server among those of its cluster. It should
	// stay the same when the server starts again, so that it takes the place of
	// its former self at once: a DNS label such as the machine's name. Required.
	Identity string

	// Advertise is where pods and other machines reach this API server. A
	// loopback address is no such place, and the API refuses it in Endpoints:
	// with one, this server is not among those of `kubernetes`. Required.
	Advertise netip.AddrPort

	// ServiceIP is the cluster IP of the service `kubernetes`: the first of the
	// service CIDR. Required.
	ServiceIP netip.Addr

	// CA is the authority by which clients know the API server, in PEM. Required.
	CA []byte

	// NodeSettings are what nodes have to know of the cluster: the data of the
	// config map causeway-node in kube-system, which they read when they join.
	// Nil makes none.
	NodeSettings map[string]string
}

func (c Config) validate() error {
	switch {
	case c.Identity == "":
		return fmt.Errorf("configuring controller bootstrap: no identity of the API server given")
	case !c.Advertise.IsValid():
		return fmt.Errorf("configuring controller bootstrap: no address of the API server given")
	case !c.ServiceIP.IsValid():
		return fmt.Errorf("configuring controller bootstrap: no cluster IP for the service kubernetes given")
	case len(c.CA) == 0:
		return fmt.Errorf("configuring controller bootstrap: no certificate authority given")
	}
	return nil
}

type bootstrap struct {
	Config
	client kubernetes.Interface
	logger *slog.Logger
	ready  chan struct{}
	seen   sightings

	complained map[string]string // the last failure of each task that was logged
}

// New makes the controller. It is ready when everything is there.
func New(config controller.Config, own Config) (controller.Controller, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	if err := own.validate(); err != nil {
		return nil, err
	}
	return &bootstrap{
		Config: own,
		client: config.Client,
		logger: config.For("bootstrap"),
		ready:  make(chan struct{}),
		seen:   sightings{},

		complained: map[string]string{},
	}, nil
}

func (b *bootstrap) Name() string { return "bootstrap" }

func (b *bootstrap) Ready() <-chan struct{} { return b.ready }

// Run implements controller.Controller.
func (b *bootstrap) Run(ctx context.Context) error {
	if !b.begin(ctx) {
		return nil
	}
	close(b.ready)
	ticker := time.NewTicker(keepEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			b.sayFarewell(ctx)
			return nil
		case <-ticker.C:
			b.complain(ctx, "keeping what the cluster needs", b.keep(ctx))
		}
	}
}

// begin creates everything, again and again until it is there. It reports
// false if ctx ended first.
func (b *bootstrap) begin(ctx context.Context) bool {
	for retry := 50 * time.Millisecond; ; retry = min(2*retry, keepEvery) {
		err := b.ensure(ctx)
		b.complain(ctx, "creating what the cluster needs", err)
		if err == nil {
			return true
		}
		select {
		case <-ctx.Done():
			return false
		case <-time.After(retry):
		}
	}
}

// ensure creates what is missing.
func (b *bootstrap) ensure(ctx context.Context) error {
	work, ctx := errgroup.WithContext(ctx)
	work.Go(func() error { return b.ensureClusterRoles(ctx) })
	work.Go(func() error { return b.ensureClusterRoleBindings(ctx) })
	work.Go(func() error {
		if err := b.ensureNamespaces(ctx); err != nil {
			return err
		}
		inside, ctx := errgroup.WithContext(ctx)
		inside.Go(func() error { return b.ensureRoles(ctx) })
		inside.Go(func() error { return b.ensureClusterInfo(ctx) })
		inside.Go(func() error { return b.ensureNodeSettings(ctx) })
		inside.Go(func() error { return b.keepService(ctx) })
		return inside.Wait()
	})
	return work.Wait()
}

// keep puts right what a running cluster needs.
func (b *bootstrap) keep(ctx context.Context) error {
	if err := b.ensureNamespaces(ctx); err != nil {
		return err
	}
	return b.keepService(ctx)
}

// keepService keeps the service `kubernetes` and its endpoints. That endpoints
// are refused must not keep a cluster from starting.
func (b *bootstrap) keepService(ctx context.Context) error {
	if err := b.renew(ctx); err != nil {
		return err
	}
	servers, err := b.servers(ctx)
	if err != nil {
		return err
	}
	if err := b.ensureService(ctx, servers); err != nil {
		return err
	}
	b.complain(ctx, "writing the endpoints of service "+serviceName, b.ensureEndpoints(ctx, servers))
	return nil
}

// complain logs the failure of a task once, not at each try.
func (b *bootstrap) complain(ctx context.Context, task string, err error) {
	if err == nil {
		delete(b.complained, task)
		return
	}
	if text := err.Error(); ctx.Err() == nil && text != b.complained[task] {
		b.logger.Warn("failed, will try again", "task", task, "error", text)
		b.complained[task] = text
	}
}
