// Package userspace leads what is sent to services' addresses and to ports of
// the node to their endpoints by programs' means: it listens on each address and
// port that a service has, and relays. It works wherever pods have a network, as root or
// inside a user namespace, and needs nothing of the kernel's packet filters.
// What it costs: each connection goes through this process, and an endpoint
// sees the node's address for the client's. Floor 1.
//
// Cluster IPs are addresses of a network namespace of the proxy's own, which a
// pair of interfaces joins to the node's (see place_linux.go). What listens on
// all addresses of the node is therefore not in the way of a service's port,
// nor reached by a service's address; a port that no service has is refused by
// the kernel; and when this process ends, however it does, all of it is gone.
//
// Node ports of services and host ports of pods are listened on in the node's own
// network, at all of its addresses. A port that another program has is tried
// again.
//
// A TCP connection stays with its endpoint until it ends, whatever becomes of
// the service meanwhile. Packets of UDP stay with theirs while it is one, by
// client address and port. SCTP is not relayed: such ports are refused, and a
// warning says so. Ranges of IPv6 addresses are not supported yet.
//
// proxy.go follows the cluster, and hostports.go what single pods want; ports.go
// opens and closes ports, choose.go chooses an endpoint, back.go keeps the proxy
// from dialling itself, tcp.go and udp.go relay.
package userspace

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/tools/cache"

	"github.com/causeway-access/causeway/internal/conn"
	"github.com/causeway-access/causeway/internal/svcproxy"
)

// Config says what is proxied, and by what means.
type Config struct {
	// Informers are the caches that it reads. New registers with them, so
	// whoever made the factory starts it after that. Required.
	Informers informers.SharedInformerFactory
	// Node is this node's name, for services with internalTrafficPolicy Local.
	Node string
	// Ranges are the cluster's service ranges: all of their addresses lead to
	// the proxy while it runs. Required unless Listen and ListenPacket are set.
	Ranges []netip.Prefix
	// Static are rules that stand whatever services say of the same key, from
	// the beginning, before the informers have read anything.
	Static []*svcproxy.Rule
	// Listen and ListenPacket open the ports of services, where Ranges shall
	// not be made to lead here. Both are nil, or neither.
	Listen       func(ctx context.Context, network, address string) (net.Listener, error)
	ListenPacket func(ctx context.Context, network, address string) (*net.UDPConn, error)
	// NodeListen and NodeListenPacket open ports of the node itself, for node
	// ports and host ports of pods. Both are nil, or neither: then this
	// process' network is the node's.
	NodeListen       func(ctx context.Context, network, address string) (net.Listener, error)
	NodeListenPacket func(ctx context.Context, network, address string) (*net.UDPConn, error)
	// Addresses are the node's; those of this process' network are too, if that
	// is the node's.
	Addresses []netip.Addr
	// Failed hears why a service's port cannot be opened, once for each reason
	// of it, and must not wait. Nil means that it is only logged.
	Failed func(rule *svcproxy.Rule, err error)
	// Dial connects to endpoints: network is tcp or udp. For udp it gives a
	// *net.UDPConn and waits for nothing. Nil dials from this process' network.
	Dial conn.DialFunc
	// Idle is how long packets of one client keep their way if none come. It is
	// shorter for those that are but a question and an answer. Zero means 2 min.
	Idle time.Duration
	// Register takes the proxy's metrics, as [prometheus.Registerer] does. Nil
	// means that none are shown.
	Register func(prometheus.Collector) error
	// Logger takes what an operator should know. Nil is slog.Default.
	Logger *slog.Logger
}

const (
	defaultIdle = 2 * time.Minute
	// openAgain is how long after a port could not be opened it is tried again.
	openAgain = 5 * time.Second
)

// Proxy relays what is sent to services.
type Proxy struct {
	cfg    Config
	table  *svcproxy.Table
	synced func() bool
	ready  atomic.Bool
	meters *meters
	log    *slog.Logger
	hosts  *hosts
	node   ears // of the node's own network

	// listening has the keys of all ports that are open; back is when it was last
	// said that an endpoint leads to one of them.
	listening sync.Map
	back      atomic.Int64

	// What follows belongs to Run.
	static     map[svcproxy.Key]*svcproxy.Rule
	ofServices *ports
	ofPods     *ports
	relays     sync.WaitGroup
}

// New makes a proxy, which works when it is run.
func New(cfg Config) (*Proxy, error) {
	switch {
	case cfg.Informers == nil:
		return nil, errors.New("configuring the service proxy: informers are required")
	case (cfg.Listen == nil) != (cfg.ListenPacket == nil), (cfg.NodeListen == nil) != (cfg.NodeListenPacket == nil):
		return nil, errors.New("configuring the service proxy: Listen and ListenPacket go together")
	case cfg.Listen == nil && len(cfg.Ranges) == 0:
		return nil, errors.New("configuring the service proxy: the ranges of services' addresses are required")
	}
	for _, r := range cfg.Ranges {
		if !r.Addr().Is4() {
			return nil, fmt.Errorf("configuring the service proxy: the range %s: only IPv4 addresses can be proxied yet", r)
		}
	}
	cfg.Idle = cmp.Or(cfg.Idle, defaultIdle)
	p := &Proxy{
		cfg: cfg, table: svcproxy.NewTable(cfg.Node), meters: newMeters(), log: cmp.Or(cfg.Logger, slog.Default()),
		hosts: newHosts(), node: ears{cfg.NodeListen, cfg.NodeListenPacket}, static: map[svcproxy.Key]*svcproxy.Rule{},
	}
	if cfg.NodeListen == nil {
		p.node = ownEars()
	}
	p.ofServices = p.newPorts(p.earsOfServices)
	p.ofPods = p.newPorts(func(svcproxy.Key) ears { return p.node })
	for _, rule := range cfg.Static {
		own := *rule
		own.Endpoints = slices.Compact(slices.SortedFunc(slices.Values(rule.Endpoints), netip.AddrPort.Compare))
		p.static[rule.Key] = &own
	}
	if p.cfg.Dial == nil {
		p.cfg.Dial = (&net.Dialer{}).DialContext
	}
	if p.cfg.Failed == nil {
		p.cfg.Failed = func(*svcproxy.Rule, error) {}
	}
	var err error
	if p.synced, err = svcproxy.Watch(cfg.Informers, p.table); err != nil {
		return nil, err
	}
	if cfg.Register != nil {
		if err := cfg.Register(p.meters); err != nil {
			return nil, fmt.Errorf("configuring the service proxy: registering its metrics: %w", err)
		}
	}
	return p, nil
}

// earsOfServices are where a key of a service is listened on.
func (p *Proxy) earsOfServices(key svcproxy.Key) ears {
	if key.OfNode() {
		return p.node
	}
	return ears{p.cfg.Listen, p.cfg.ListenPacket}
}

// HasSynced reports that every service that the cluster had at the start is
// served.
func (p *Proxy) HasSynced() bool { return p.ready.Load() }

// Run proxies until ctx ends, and returns nil then. All that it has made,
// addresses and connections, is gone when it returns. It is called once.
func (p *Proxy) Run(ctx context.Context) error {
	if p.cfg.Listen == nil {
		at, err := openPlace(ctx, p.cfg.Ranges)
		if err != nil {
			return fmt.Errorf("leading services' addresses to the service proxy: %w", err)
		}
		defer at.close()
		p.cfg.Listen, p.cfg.ListenPacket = at.listen, at.listenPacket
	}
	ctx, cancel := context.WithCancel(ctx)
	defer p.relays.Wait()
	defer cancel()
	defer p.ofServices.closeAll()
	defer p.ofPods.closeAll()
	for _, rule := range p.static {
		p.ofServices.set(ctx, rule, func(error) {})
	}
	if !cache.WaitForCacheSync(ctx.Done(), p.synced) {
		return nil
	}
	retry := time.NewTicker(openAgain)
	defer retry.Stop()
	var led map[svcproxy.Key]*svcproxy.Rule
	for {
		p.apply(ctx, p.table.Changes())
		led = p.applyHosts(ctx, led)
		p.measure()
		p.ready.Store(true)
		select {
		case <-p.table.Changed():
		case <-p.hosts.changed:
		case <-retry.C:
			p.ofServices.retry(ctx)
			p.ofPods.retry(ctx)
		case <-ctx.Done():
			return nil
		}
	}
}

// apply makes the ports what the rules say.
func (p *Proxy) apply(ctx context.Context, changes svcproxy.Changes) {
	for _, key := range changes.Removed {
		if p.static[key] == nil {
			p.ofServices.drop(key)
		}
	}
	for _, rule := range changes.Set {
		if p.static[rule.Key] == nil {
			p.ofServices.set(ctx, rule, func(err error) { p.cfg.Failed(rule, err) })
		}
	}
}

// measure tells how many ports there are.
func (p *Proxy) measure() {
	p.meters.ports.Set(float64(len(p.ofServices.open) + len(p.ofPods.open)))
	p.meters.waiting.Set(float64(len(p.ofServices.waiting) + len(p.ofPods.waiting)))
}
