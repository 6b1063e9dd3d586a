// Package node is the agent that makes a machine a node of the cluster: it
// registers it, runs the pods that are bound to it, leads them to services, and
// answers for them on the node's own API. Its parts are packages of their own:
//
//	register  the Node object, its lease and its conditions
//	servers   the API servers, one of which the agent speaks to
//	route     routes to the pods of other nodes
//	outward   pods' way to what is outside of the cluster
//	join      how a machine becomes a node of a cluster elsewhere
//	pods      one worker a pod: containers, restarts, status (podspec, volume, probe)
//	upkeep    unused images, pods that fill the disk
//	server    the API on port 10250: logs, exec, attach, port-forward, figures
//
// What runs the pods is a podrun.Runtime, and what leads them to services is
// svcproxy, both a floor below. This file shows the start. Floor 2.
package node

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"

	"github.com/causeway-access/causeway/internal/node/outward"
	"github.com/causeway-access/causeway/internal/node/pods"
	"github.com/causeway-access/causeway/internal/node/register"
	"github.com/causeway-access/causeway/internal/node/route"
	"github.com/causeway-access/causeway/internal/node/servers"
	"github.com/causeway-access/causeway/internal/node/upkeep"
	"github.com/causeway-access/causeway/internal/node/volume"
	"github.com/causeway-access/causeway/internal/svcproxy/userspace"
	"github.com/causeway-access/causeway/internal/tunnel"
)

// Agent is the agent of one node.
type Agent struct {
	cfg      Config
	client   kubernetes.Interface
	listener net.Listener
	ready    chan struct{}

	// What the parts made, in the order of their start.
	node      *register.Node
	runtime   podRuntime
	podRange  netip.Prefix // of the addresses of this node's pods
	informers informers.SharedInformerFactory
	services  *userspace.Proxy
	dns       netip.AddrPort // where this agent's DNS server listens, if it has one
	routes    *route.Keeper
	outward   *outward.Way // nil where pods need none
	volumes   *volume.Manager
	pods      *pods.Manager
	upkeep    *upkeep.Keeper
	servers   *servers.Set
	nodes     tunnel.Nodes
	detours   *tunnel.Detours
	tunnel    *tunnel.Clients // nil unless it is a tunnelled node

	// serving is set when pods can run.
	serving atomic.Bool
	tasks   []task
	closers []func() error
}

// task is what runs until the agent ends.
type task struct {
	name string
	run  func(ctx context.Context) error
}

// part is one step of the start.
type part struct {
	name  string
	start func(a *Agent, ctx context.Context) error
}

// parts is the agent, from the ground up.
func parts() []part {
	return []part{
		{"registering the node", (*Agent).register},
		{"opening the runtime of pods", (*Agent).openRuntime},
		{"preparing the way to services", (*Agent).prepareServices},
		{"preparing the way to API servers", (*Agent).prepareServers},
		{"preparing the way to other nodes' pods", (*Agent).prepareRoutes},
		{"preparing the way to pods behind tunnels", (*Agent).prepareDetours},
		{"preparing pods' way out", (*Agent).prepareOutward},
		{"preparing volumes", (*Agent).prepareVolumes},
		{"preparing pods", (*Agent).preparePods},
		{"preparing the upkeep", (*Agent).prepareUpkeep},
		{"preparing the node's API", (*Agent).prepareAPI},
		{"opening the tunnel", (*Agent).openTunnel},
	}
}

// New takes the port of the node's API. All else begins with Run.
func New(cfg Config) (*Agent, error) {
	if err := cfg.complete(); err != nil {
		return nil, err
	}
	client, err := newClient(cfg.API)
	if err != nil {
		return nil, fmt.Errorf("configuring the node: %w", err)
	}
	a := &Agent{cfg: cfg, client: client, ready: make(chan struct{})}
	if a.listener, err = net.Listen("tcp", cfg.Listen); err != nil {
		return nil, fmt.Errorf("listening for the node's API: %w", err)
	}
	return a, nil
}

// Ready is closed when pods can run.
func (a *Agent) Ready() <-chan struct{} { return a.ready }

// Run is the node until ctx ends. Pods go on after that, and the next agent
// with the same directory finds them. It is called once.
func (a *Agent) Run(ctx context.Context) (err error) {
	defer func() { err = errors.Join(err, a.close()) }()
	for _, p := range parts() {
		begun := time.Now()
		if err := p.start(a, ctx); err != nil {
			if ctx.Err() != nil {
				return nil // the end, not a failure
			}
			return fmt.Errorf("%s: %w", p.name, err)
		}
		a.cfg.Log.Debug("Part of the node started", "part", p.name, "took", time.Since(begun))
	}
	group, ctx := errgroup.WithContext(ctx)
	a.informers.StartWithContext(ctx)
	for _, t := range a.tasks {
		group.Go(func() error {
			if err := t.run(ctx); err != nil && ctx.Err() == nil {
				return fmt.Errorf("%s: %w", t.name, err)
			}
			return nil
		})
	}
	a.serving.Store(true)
	close(a.ready)
	err = group.Wait()
	a.informers.Shutdown()
	return err
}

// run has f running while the agent does.
func (a *Agent) run(name string, f func(context.Context) error) {
	a.tasks = append(a.tasks, task{name, f})
}

// onClose has f called at the end, before all that were given earlier.
func (a *Agent) onClose(f func() error) { a.closers = append(a.closers, f) }

func (a *Agent) close() error {
	var errs []error
	for _, f := range slices.Backward(a.closers) {
		errs = append(errs, f())
	}
	if err := a.listener.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// running says why no pod can run now.
func (a *Agent) running() error {
	switch {
	case !a.serving.Load():
		return errors.New("the node's agent is starting")
	case a.tunnel != nil && !a.tunnel.Connected():
		return errors.New("no tunnel to an API server, by which pods are reached, is open")
	}
	return nil
}
