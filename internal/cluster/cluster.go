package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apiserver/pkg/audit"
	"k8s.io/klog/v2"

	"github.com/causeway-access/causeway/internal/apiserver"
	"github.com/causeway-access/causeway/internal/catalog"
	"github.com/causeway-access/causeway/internal/certs"
	"github.com/causeway-access/causeway/internal/controller"
	"github.com/causeway-access/causeway/internal/dns"
	"github.com/causeway-access/causeway/internal/gateway"
	"github.com/causeway-access/causeway/internal/lockfile"
	"github.com/causeway-access/causeway/internal/observe"
	"github.com/causeway-access/causeway/internal/store"
)

// Cluster is a running cluster.
type Cluster struct {
	*settings
	log *slog.Logger

	// What the parts made, in the order of their start.
	lock        *lockfile.Lock
	listener    net.Listener
	at          addresses
	authority   *certs.Authority
	serving     *certs.Kept
	nodeClient  *certs.Kept
	store       store.Endpoints
	base        *apiserver.Base
	audit       *observe.AuditLog
	auditRules  audit.PolicyRuleEvaluator // of the API server
	proxyRules  audit.PolicyRuleEvaluator // of the gateway: less of the same
	accessLog   io.Writer
	metrics     *prometheus.Registry
	identity    *identity
	catalog     *catalog.Catalog
	ways        *ways
	dnsSockets  *dns.Sockets // nil without DNS
	dns         *dns.Server
	node        agent // nil without a node
	noNode      error // why there is none though one was wished for
	gateway     *gateway.Gateway
	resets      *gateway.ResetGuard
	bootstrap   controller.Controller
	controllers []controller.Controller
	admin       *certs.Kept
	password    string
	info        Info

	stops    []func(context.Context) error
	failures chan error
	ended    chan struct{}
	endErr   error
}

// part is one step of the start. What it leaves running it stops by a
// function given to [Cluster.onStop].
type part struct {
	name  string
	start func(c *Cluster, ctx context.Context) error
}

// parts is the cluster, from the ground up.
func parts() []part {
	return []part{
		{"taking the data directory", (*Cluster).takeDataDir},
		{"listening", (*Cluster).listen},
		{"listening for DNS", (*Cluster).listenDNS},
		{"preparing certificates", (*Cluster).prepareCertificates},
		{"preparing credentials", (*Cluster).prepareCredentials},
		{"opening the store", (*Cluster).openStore},
		{"opening the logs", (*Cluster).prepareLogs},
		{"preparing the API server", (*Cluster).prepareAPI},
		{"preparing authentication", (*Cluster).prepareIdentity},
		{"preparing the catalog", (*Cluster).prepareCatalog},
		{"preparing DNS", (*Cluster).prepareDNS},
		{"preparing controllers", (*Cluster).prepareControllers},
		{"preparing the node", (*Cluster).prepareNode},
		{"starting the API server", (*Cluster).startAPI},
		{"starting DNS", (*Cluster).startDNS},
		{"starting controllers", (*Cluster).startControllers},
		{"waiting until the API is ready", (*Cluster).awaitReady},
		{"starting the node", (*Cluster).startNode},
		{"writing credentials", (*Cluster).writeCredentials},
	}
}

// Start brings the cluster up and returns when it is ready. Ending ctx ends
// the cluster, once it is ready; call [Cluster.Wait] for the end of it. If Start fails,
// everything is stopped again.
func Start(ctx context.Context, cfg Config) (*Cluster, error) {
	s, err := cfg.settle()
	if err != nil {
		return nil, err
	}
	c := &Cluster{settings: s, log: slog.Default(), metrics: prometheus.NewRegistry(), failures: make(chan error, 16), ended: make(chan struct{})}
	// A start that has begun goes on to its end even if ctx ends meanwhile: the
	// API server's library takes a start that is cut short for a failure, and
	// ends the process over it.
	starting := context.WithoutCancel(ctx)
	if c.AccessLog == "" && klog.V(1).Enabled() { // for who asks for much
		c.AccessLog = standardError
	}
	for _, p := range parts() {
		begun := time.Now()
		if err := p.start(c, starting); err != nil {
			return nil, errors.Join(fmt.Errorf("%s: %w", p.name, err), c.stop())
		}
		c.log.Debug("Part started", "part", p.name, "took", time.Since(begun))
	}
	go c.watch(ctx)
	return c, nil
}

// Wait returns when the cluster has ended: nil if its context ended, else
// what failed.
func (c *Cluster) Wait() error {
	<-c.ended
	return c.endErr
}

// watch ends the cluster with its context, or with the first part that fails.
func (c *Cluster) watch(ctx context.Context) {
	var failure error
	select {
	case <-ctx.Done():
	case failure = <-c.failures:
	}
	c.endErr = errors.Join(failure, c.stop())
	close(c.ended)
}

// stopTimeout bounds the end of all parts together, besides the time that
// requests are given.
const stopTimeout = 30 * time.Second

// onStop has f called at the end, before all that were given earlier.
func (c *Cluster) onStop(f func(context.Context) error) { c.stops = append(c.stops, f) }

func (c *Cluster) stop() error {
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout+c.ShutdownDelay+c.ShutdownGrace)
	defer cancel()
	var errs []error
	for _, f := range slices.Backward(c.stops) {
		errs = append(errs, f(ctx))
	}
	return errors.Join(errs...)
}

// run has f running in the background until the end, and the cluster fail
// with it if it ends with an error of its own accord.
func (c *Cluster) run(name string, f func(ctx context.Context) error) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := f(ctx); err != nil && ctx.Err() == nil {
			c.failures <- fmt.Errorf("%s: %w", name, err)
		}
	}()
	c.onStop(func(limit context.Context) error {
		cancel()
		select {
		case <-done:
			return nil
		case <-limit.Done():
			return fmt.Errorf("%s did not end in time", name)
		}
	})
}
