// Package userspace leads what is sent to cluster IPs to the endpoints of
// services by programs' means: it listens on each address and port that a
// service has, and relays. It works wherever pods have a network, as root or
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
// A TCP connection stays with its endpoint until it ends, whatever becomes of
// the service meanwhile. Packets of UDP stay with theirs while it is one, by
// client address and port. SCTP is not relayed: such ports are refused, and a
// warning says so. Ranges of IPv6 addresses are not supported yet.
//
// proxy.go follows the cluster and opens and closes ports, choose.go chooses an
// endpoint, tcp.go and udp.go relay.
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
	corev1 "k8s.io/api/core/v1"
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

	// What follows belongs to Run.
	static  map[svcproxy.Key]*svcproxy.Rule
	ports   map[svcproxy.Key]port
	waiting map[svcproxy.Key]*svcproxy.Rule // could not be opened
	relays  sync.WaitGroup
}

// port is where a rule's key is listened on.
type port interface {
	// follow has what comes from now on go by another rule.
	follow(rule *svcproxy.Rule)
	// close stops listening. Streams that are under way go on.
	close()
}

// New makes a proxy, which works when it is run.
func New(cfg Config) (*Proxy, error) {
	switch {
	case cfg.Informers == nil:
		return nil, errors.New("configuring the service proxy: informers are required")
	case (cfg.Listen == nil) != (cfg.ListenPacket == nil):
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
		static: map[svcproxy.Key]*svcproxy.Rule{}, ports: map[svcproxy.Key]port{}, waiting: map[svcproxy.Key]*svcproxy.Rule{},
	}
	for _, rule := range cfg.Static {
		own := *rule
		own.Endpoints = slices.Compact(slices.SortedFunc(slices.Values(rule.Endpoints), netip.AddrPort.Compare))
		p.static[rule.Key] = &own
	}
	if p.cfg.Dial == nil {
		p.cfg.Dial = (&net.Dialer{}).DialContext
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
	defer p.closeAll()
	for _, rule := range p.static {
		p.set(ctx, rule)
	}
	if !cache.WaitForCacheSync(ctx.Done(), p.synced) {
		return nil
	}
	retry := time.NewTicker(openAgain)
	defer retry.Stop()
	for {
		p.apply(ctx, p.table.Changes())
		p.ready.Store(true)
		select {
		case <-p.table.Changed():
		case <-retry.C:
			for _, rule := range p.waiting {
				p.set(ctx, rule)
			}
		case <-ctx.Done():
			return nil
		}
	}
}

// apply makes the ports what the rules say.
func (p *Proxy) apply(ctx context.Context, changes svcproxy.Changes) {
	for _, key := range changes.Removed {
		if p.static[key] == nil {
			p.drop(key)
		}
	}
	for _, rule := range changes.Set {
		if p.static[rule.Key] == nil {
			p.set(ctx, rule)
		}
	}
	p.meters.ports.Set(float64(len(p.ports)))
	p.meters.waiting.Set(float64(len(p.waiting)))
}

// set has a rule followed. Without endpoints nothing listens: the kernel then
// refuses what comes, at once.
func (p *Proxy) set(ctx context.Context, rule *svcproxy.Rule) {
	open, is := p.ports[rule.Key]
	switch {
	case rule.Key.Protocol == corev1.ProtocolSCTP:
		p.log.Warn("A service has a port of SCTP, which cannot be proxied here: it is refused", "port", rule.Port, "address", rule.Key)
	case len(rule.Endpoints) == 0:
		p.drop(rule.Key)
	case is:
		open.follow(rule)
	default:
		open, err := p.open(ctx, rule)
		if err != nil {
			p.log.Warn("A service's port cannot be opened; it is tried again", "port", rule.Port, "address", rule.Key, "error", err)
			p.waiting[rule.Key] = rule
			return
		}
		p.ports[rule.Key] = open
		delete(p.waiting, rule.Key)
	}
}

func (p *Proxy) open(ctx context.Context, rule *svcproxy.Rule) (port, error) {
	if rule.Key.Protocol == corev1.ProtocolUDP {
		return p.openPackets(ctx, rule)
	}
	return p.openStreams(ctx, rule)
}

func (p *Proxy) drop(key svcproxy.Key) {
	delete(p.waiting, key)
	if open, is := p.ports[key]; is {
		open.close()
		delete(p.ports, key)
	}
}

func (p *Proxy) closeAll() {
	for key := range p.ports {
		p.drop(key)
	}
}
