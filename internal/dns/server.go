// Package dns is the cluster's DNS server: it answers for services, endpoints,
// ports, addresses and pods from memory ([zone]), and asks the servers of
// resolv.conf for everything else ([forward]). It reads the cluster through
// client-go informers alone. Floor 1.
//
// It speaks UDP and TCP, gives no zone transfers, and answers what it does not
// know yet, before its first lists are read, with SERVFAIL, so that nobody
// remembers that a service does not exist which does.
package dns

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"time"

	"github.com/miekg/dns"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"
	"k8s.io/client-go/informers"

	"github.com/causeway-access/causeway/internal/dns/forward"
	"github.com/causeway-access/causeway/internal/dns/quota"
	"github.com/causeway-access/causeway/internal/dns/zone"
)

// Config says what a server answers for, and where.
type Config struct {
	// Sockets are where it listens; [Server.Serve] closes them. Required.
	Sockets *Sockets
	// Informers are the caches that it reads. New registers with them, so
	// whoever made the factory starts it after that. Required.
	Informers informers.SharedInformerFactory
	// Domain is the cluster's. Empty means cluster.local.
	Domain string
	// Nameserver is the service by which pods find the server, as
	// NAME.NAMESPACE. Empty means kube-dns.kube-system.
	Nameserver string
	// Reverse are the ranges of the services' and the pods' addresses: no other
	// server is asked for their names.
	Reverse []netip.Prefix
	// TTL is how long clients may remember what the cluster's names stand for,
	// in whole seconds. Zero means 5 s.
	TTL time.Duration
	// Forward says who is asked for other names. Own and Logger are set by New.
	Forward forward.Config
	// Connections is how many TCP connections there may be, and
	// ConnectionsPerClient how many of one client. Zero means 1024 and 128.
	Connections, ConnectionsPerClient int
	// Idle is how long a connection waits for a question. Zero means 10 s.
	Idle time.Duration
	// Register takes the server's metrics, as [prometheus.Registerer] does. Nil
	// means that none are shown.
	Register func(prometheus.Collector) error
	// Logger takes what an operator should know. Nil is slog.Default.
	Logger *slog.Logger
}

const (
	// DefaultDomain is the domain of a cluster that is told no other.
	DefaultDomain = "cluster.local"

	defaultNameserver           = "kube-dns.kube-system"
	defaultTTL                  = 5 * time.Second
	defaultConnections          = 1024
	defaultConnectionsPerClient = 128
	defaultIdle                 = 10 * time.Second

	// writeTimeout is how long a client may take for an answer.
	writeTimeout = 5 * time.Second
	// farewell is how long questions under way have when the server ends.
	farewell = 2 * time.Second
)

// Server answers questions.
type Server struct {
	sockets   *Sockets
	zone      *zone.Zone
	forwarder *forward.Forwarder
	streams   *quota.Quota
	idle      time.Duration
	meters    *meters
	log       *slog.Logger
}

var _ dns.Handler = (*Server)(nil)

// New makes a server. It answers when it is given to [Server.Serve].
func New(cfg Config) (*Server, error) {
	if cfg.Sockets == nil || cfg.Informers == nil {
		return nil, errors.New("configuring DNS: sockets and informers are required")
	}
	s := &Server{sockets: cfg.Sockets, idle: cmp.Or(cfg.Idle, defaultIdle), log: cfg.Logger}
	if s.log == nil {
		s.log = slog.Default()
	}
	var err error
	s.zone, err = zone.New(cfg.Informers, zone.Config{
		Domain: cmp.Or(cfg.Domain, DefaultDomain), Nameserver: cmp.Or(cfg.Nameserver, defaultNameserver),
		Reverse: cfg.Reverse, TTL: cmp.Or(cfg.TTL, defaultTTL),
	})
	if err != nil {
		return nil, fmt.Errorf("configuring DNS: %w", err)
	}
	upstream := cfg.Forward
	upstream.Own, upstream.Logger = cfg.Sockets.owns, s.log
	s.forwarder = forward.New(upstream)
	s.streams = quota.New(cmp.Or(cfg.Connections, defaultConnections), cmp.Or(cfg.ConnectionsPerClient, defaultConnectionsPerClient))
	s.meters = newMeters(s.forwarder.Cached)
	if cfg.Register != nil {
		if err := cfg.Register(s.meters); err != nil {
			return nil, fmt.Errorf("configuring DNS: registering its metrics: %w", err)
		}
	}
	return s, nil
}

// HasSynced reports that the server knows all that the cluster had at its
// start. Before that it answers with SERVFAIL for the cluster's names.
func (s *Server) HasSynced() bool { return s.zone.HasSynced() }

// Serve answers until ctx ends, and returns nil then. It closes the sockets.
func (s *Server) Serve(ctx context.Context) error {
	packets := &dns.Server{PacketConn: s.sockets.Packets, Handler: s, UDPSize: bufferSize, MsgAcceptFunc: accept}
	streams := &dns.Server{
		Listener: &limited{s.sockets.Streams, s.streams}, Handler: s, MsgAcceptFunc: accept,
		ReadTimeout: s.idle, WriteTimeout: writeTimeout, IdleTimeout: func() time.Duration { return s.idle },
	}
	work, ctx := errgroup.WithContext(ctx)
	for _, one := range []*dns.Server{packets, streams} {
		started := make(chan struct{})
		one.NotifyStartedFunc = func() { close(started) }
		work.Go(one.ActivateAndServe)
		work.Go(func() error {
			<-ctx.Done()
			select {
			case <-started:
			case <-time.After(farewell): // it has failed
				return nil
			}
			limit, cancel := context.WithTimeout(context.WithoutCancel(ctx), farewell)
			defer cancel()
			if err := one.ShutdownContext(limit); err != nil {
				s.log.Debug("Questions under way are left without an answer", "reason", err)
			}
			return nil
		})
	}
	if err := work.Wait(); err != nil {
		return fmt.Errorf("serving DNS on %s: %w", s.sockets.Addr(), err)
	}
	return nil
}
