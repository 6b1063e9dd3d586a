// Package servers is the API servers of a node's cluster, as the node sees them:
// those that it was told and those that the cluster names. It speaks to one of
// them, and to another when that one dies, falls silent or is not ready. All of
// the node's clients go by it, for it is beneath them: a dial function.
//
// A part of the node's agent, floor 2.
package servers

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"slices"
	"sync"
	"time"

	"k8s.io/client-go/util/connrotation"

	"github.com/causeway-access/causeway/internal/conn"
)

// Name is in the certificate of each API server of a cluster. Nodes verify it:
// an address tells less, for a server may be told by one, and be reached by
// another.
const Name = "kubernetes.default.svc"

// Config says which servers there are to begin with.
type Config struct {
	// Given are HOST:PORT of the servers that the node was told. Required.
	Given []string
	// Dial connects to one; a net.Dialer's if nil.
	Dial conn.DialFunc
	// Log is slog.Default() if nil.
	Log *slog.Logger
}

// HostPort is HOST:PORT of a server's URL.
func HostPort(u *url.URL) string {
	if u.Port() != "" {
		return u.Host
	}
	return net.JoinHostPort(u.Hostname(), "443")
}

// dialTimeout bounds the dial of one server, where there is another.
const dialTimeout = 5 * time.Second

// Set is the servers. Those that were told come first, and the one that is
// spoken to stays so as long as it is good.
type Set struct {
	cfg     Config
	tracker *connrotation.ConnectionTracker // of the current one's connections

	mu      sync.Mutex
	found   []string // that the cluster names
	current string
	changed []func(all, named []string)
}

// New makes the set.
func New(cfg Config) (*Set, error) {
	if len(cfg.Given) == 0 {
		return nil, errors.New("configuring API servers: none is given")
	}
	if cfg.Dial == nil {
		cfg.Dial = (&net.Dialer{KeepAlive: 30 * time.Second}).DialContext
	}
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	return &Set{cfg: cfg, tracker: connrotation.NewConnectionTracker(), current: cfg.Given[0]}, nil
}

// List is HOST:PORT of all servers.
func (s *Set) List() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.list()
}

func (s *Set) list() []string {
	all := slices.Clone(s.cfg.Given)
	for _, server := range s.found {
		if !slices.Contains(all, server) {
			all = append(all, server)
		}
	}
	return all
}

// Current is the one that is spoken to.
func (s *Set) Current() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.current
}

// Found says which servers the cluster names now.
func (s *Set) Found(found []string) {
	s.mu.Lock()
	if slices.Equal(found, s.found) {
		s.mu.Unlock()
		return
	}
	s.found = slices.Clone(found)
	all, told := s.list(), slices.Clone(s.changed)
	s.mu.Unlock()
	for _, f := range told {
		f(all, found)
	}
}

// Follow has f called with the addresses of all servers, and with those of them
// that the cluster names, now and when there are others. It is not to wait for
// anything.
func (s *Set) Follow(f func(all, named []string)) {
	s.mu.Lock()
	s.changed = append(s.changed, f)
	all, named := s.list(), slices.Clone(s.found)
	s.mu.Unlock()
	f(all, named)
}

// Order is HOST:PORT of all servers, the one that is spoken to first.
func (s *Set) Order() []string { return s.order() }

// Dial is a [conn.DialFunc] which connects to a server that can be connected to,
// whatever the address: the current one if it can be, and else another one, which
// is the current one then.
func (s *Set) Dial(ctx context.Context, network, _ string) (net.Conn, error) {
	var failed []error
	for _, server := range s.order() {
		c, err := s.try(ctx, network, server)
		if err == nil {
			return s.use(server, c), nil
		}
		if failed = append(failed, err); ctx.Err() != nil {
			break
		}
	}
	return nil, errors.Join(failed...)
}

// order is all servers, the current one first.
func (s *Set) order() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	others := slices.DeleteFunc(s.list(), func(server string) bool { return server == s.current })
	return append([]string{s.current}, others...)
}

func (s *Set) try(ctx context.Context, network, server string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	c, err := s.cfg.Dial(ctx, network, server)
	if err != nil {
		return nil, fmt.Errorf("API server %s: %w", server, err)
	}
	return c, nil
}

// use has a connection counted as one of its server, which is the current one
// from now on.
func (s *Set) use(server string, c net.Conn) net.Conn {
	s.turn(server)
	return s.tracker.Track(c)
}

// turn makes a server the current one, and ends the connections to the one
// before: whoever had them connects anew.
func (s *Set) turn(server string) {
	s.mu.Lock()
	before := s.current
	s.current = server
	s.mu.Unlock()
	if before != server {
		s.cfg.Log.Warn("Speaking to another API server", "server", server, "before", before)
		s.tracker.CloseAll()
	}
}
