// Package clusterdns keeps the service by which pods find the cluster's DNS:
// kube-dns in kube-system, with the tenth address of the service range, and of
// each server of DNS that pods can reach an EndpointSlice.
//
// Somebody else's service of that name is left alone. A server that serves no
// DNS takes its own slice away, and the service if it was the last.
//
// Floor 2: a client of the API only.
package clusterdns

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/causeway-access/causeway/internal/controller"
)

const (
	// Namespace and Name are the service's.
	Namespace, Name = metav1.NamespaceSystem, "kube-dns"

	// manager is the managed-by label of what is made here.
	manager = "dns.causeway.io"

	keepEvery = 10 * time.Second
	firstTry  = 50 * time.Millisecond
	// farewell is how long a server that ends may take to say so.
	farewell = time.Second
)

// Config is what this server contributes.
type Config struct {
	// Serving says that this server serves DNS.
	Serving bool
	// Address is where pods reach it; the zero one if they cannot, as on
	// loopback.
	Address netip.AddrPort
	// ServiceIP is the cluster IP of the service. Required.
	ServiceIP netip.Addr
	// Identity names this server among those of its cluster: a DNS label, and
	// the same after a restart. Required.
	Identity string
	// Lease is the name of the lease in [Namespace] by which this server says
	// that it lives: when that is deleted, so is the slice. Empty means none.
	Lease string
}

type dns struct {
	Config
	client kubernetes.Interface
	logger *slog.Logger
	ready  chan struct{}
	said   string // the last failure that was logged
}

// New makes the controller. It is ready when the service is as it should be.
func New(config controller.Config, own Config) (controller.Controller, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	if !own.ServiceIP.IsValid() || own.Identity == "" {
		return nil, errors.New("configuring controller clusterdns: the cluster IP of the service and an identity are required")
	}
	return &dns{Config: own, client: config.Client, logger: config.For("clusterdns"), ready: make(chan struct{})}, nil
}

// Name implements controller.Controller.
func (d *dns) Name() string { return "clusterdns" }

// Ready implements controller.Controller.
func (d *dns) Ready() <-chan struct{} { return d.ready }

// Run implements controller.Controller.
func (d *dns) Run(ctx context.Context) error {
	task := d.keep
	if !d.Serving {
		task = d.leave
	}
	for wait := firstTry; d.attempt(ctx, task) != nil; wait = min(2*wait, keepEvery) {
		if !sleep(ctx, wait) {
			return nil
		}
	}
	close(d.ready)
	for sleep(ctx, keepEvery) {
		if d.Serving {
			_ = d.attempt(ctx, d.keep) // said; the next round tries again
		}
	}
	if d.Serving {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), farewell)
		defer cancel()
		_ = d.dropSlice(ctx) // or else the lease's end does it
	}
	return nil
}

// sleep reports false if ctx ends first.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// attempt logs a failure once, not at each try. The first failures of a start
// are no news: the namespace is being made.
func (d *dns) attempt(ctx context.Context, task func(context.Context) error) error {
	err := task(ctx)
	if err == nil {
		d.said = ""
		return nil
	}
	if text := err.Error(); text != d.said && ctx.Err() == nil {
		d.said = text
		d.logger.Info("the service of DNS is not as it should be, will try again", "error", text)
	}
	return err
}

// keep has service and slice as they should be.
func (d *dns) keep(ctx context.Context) error {
	mine, err := d.ensureService(ctx)
	if err != nil || !mine {
		return err
	}
	if !d.Address.IsValid() {
		return d.dropSlice(ctx)
	}
	return d.ensureSlice(ctx)
}

// leave takes away what this server left in an earlier life, when it served
// DNS.
func (d *dns) leave(ctx context.Context) error {
	if err := d.dropSlice(ctx); err != nil {
		return err
	}
	return d.dropService(ctx)
}

// isMine reports whether a service was made by a controller of this kind.
func isMine(s *corev1.Service) bool {
	return s.Labels["app.kubernetes.io/managed-by"] == manager
}

func wrap(what string, err error) error {
	return fmt.Errorf("%s service %s/%s: %w", what, Namespace, Name, err)
}
