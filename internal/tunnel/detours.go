package tunnel

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/causeway-access/causeway/internal/conn"
)

// DetoursConfig says by which API servers a node dials pods.
type DetoursConfig struct {
	// Servers are HOST:PORT of the API servers, in the order in which they are to
	// be tried. Required.
	Servers func() []string
	// TLS returns how the node shows itself to a server, and verifies it.
	// Required.
	TLS func() (*tls.Config, error)
	// Dial opens connections to a server; a net.Dialer's if nil.
	Dial conn.DialFunc
	// Pings notice a server that is gone.
	Pings Pings
	// Log is slog.Default() if nil.
	Log *slog.Logger
}

const (
	// detourTimeout is how long an API server has for one connection, where there
	// is another to be tried: less than services have for one of several endpoints.
	detourTimeout = 2 * time.Second
	// asideFor is how long a server that did not do is tried after the others.
	asideFor = 5 * time.Second
	// reopenAfter is how long a connection that could not be opened is not tried
	// to be opened again.
	reopenAfter = time.Second
)

// Detours are a node's ways to pods that it does not reach itself: by API
// servers, which have tunnels to some of them and routes to others. The node
// keeps one connection to each server that it has needed.
type Detours struct {
	cfg   DetoursConfig
	life  context.Context
	end   context.CancelFunc
	ended sync.WaitGroup

	mu    sync.Mutex
	roads map[string]*road     // by the address of the server
	aside map[string]time.Time // until when
}

// road is a connection to a server, or the attempt to have one.
type road struct {
	done chan struct{} // closed when what follows is set
	link *link
	name string
	err  error
	at   time.Time // when it failed
}

// NewDetours connects to no server before it is asked to dial.
func NewDetours(cfg DetoursConfig) (*Detours, error) {
	if cfg.Servers == nil || cfg.TLS == nil {
		return nil, errors.New("configuring the ways to pods by API servers: the servers and TLS are required")
	}
	if cfg.Dial == nil {
		cfg.Dial = (&net.Dialer{}).DialContext
	}
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	d := &Detours{cfg: cfg, roads: map[string]*road{}, aside: map[string]time.Time{}}
	d.life, d.end = context.WithCancel(context.Background())
	return d, nil
}

// Dial is a [conn.DialFunc] for pods, by TCP alone. One server is tried after the
// other until one has a way; what the pod itself does not take, no other server
// is asked for. Connections are [conn.HalfCloser], and outlive ctx.
func (d *Detours) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	if network != "tcp" {
		return nil, fmt.Errorf("dialling %s by %s: by API servers only TCP goes", address, network)
	}
	failures := fmt.Errorf("dialling %s: there is no API server to go by", address)
	for i, servers := 0, d.order(); i < len(servers); i++ {
		c, err := d.by(ctx, servers[i], address, i+1 < len(servers))
		if err == nil {
			return c, nil
		}
		var said *answered
		if errors.As(err, &said) && said.status == http.StatusBadGateway {
			return nil, fmt.Errorf("dialling %s by the API server %s: %w", address, servers[i], err)
		}
		if i == 0 {
			failures = nil
		}
		failures = errors.Join(failures, fmt.Errorf("dialling %s by the API server %s: %w", address, servers[i], err))
		d.putAside(servers[i])
		if ctx.Err() != nil {
			break
		}
	}
	return nil, failures
}

// order is the servers, those that did not do lately last.
func (d *Detours) order() []string {
	servers := slices.Clone(d.cfg.Servers())
	now := time.Now()
	d.mu.Lock()
	defer d.mu.Unlock()
	slices.SortStableFunc(servers, func(a, b string) int {
		late, later := now.Before(d.aside[a]), now.Before(d.aside[b])
		switch {
		case late == later:
			return 0
		case late:
			return 1
		}
		return -1
	})
	return servers
}

func (d *Detours) putAside(server string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for s, until := range d.aside {
		if time.Now().After(until) {
			delete(d.aside, s)
		}
	}
	d.aside[server] = time.Now().Add(asideFor)
}

// by dials by one server.
func (d *Detours) by(ctx context.Context, server, address string, others bool) (net.Conn, error) {
	if others {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, detourTimeout)
		defer cancel()
	}
	r := d.road(server)
	if r == nil {
		return nil, net.ErrClosed
	}
	select {
	case <-r.done:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if r.err != nil {
		return nil, r.err
	}
	return r.link.dial(ctx, address)
}

// road returns the connection to a server, or begins to open it; nil at the end.
func (d *Detours) road(server string) *road {
	d.mu.Lock()
	defer d.mu.Unlock()
	if r := d.roads[server]; r != nil && !r.over() {
		return r
	}
	if d.life.Err() != nil {
		return nil
	}
	r := &road{done: make(chan struct{})}
	d.roads[server] = r
	d.ended.Go(func() { d.open(server, r) })
	return r
}

// over tells whether a new one is to be opened.
func (r *road) over() bool {
	select {
	case <-r.done:
	default:
		return false
	}
	if r.err != nil {
		return time.Since(r.at) > reopenAfter
	}
	return r.link.over()
}

// open opens the connection, and forgets it when it has ended.
func (d *Detours) open(server string, r *road) {
	ctx, cancel := context.WithTimeout(d.life, connectTimeout)
	ask := question{path: PodsPath, protocol: podsProtocol, server: server, known: d.names(), tls: d.cfg.TLS, dial: d.cfg.Dial}
	c, name, err := ask.send(ctx)
	cancel()
	if err == nil {
		r.link, err = newLink(c, d.cfg.Pings)
	}
	d.mu.Lock()
	r.name, r.err, r.at = name, err, time.Now()
	close(r.done)
	d.mu.Unlock()
	if err != nil {
		return
	}
	d.cfg.Log.Debug("Pods of other nodes are reached by an API server", "server", server, "name", name)
	select {
	case <-r.link.conn.ended:
	case <-d.life.Done():
		r.link.conn.Close()
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.roads[server] == r {
		delete(d.roads, server)
	}
}

// names are the servers to which there is a connection, as they call themselves:
// behind a balancer another one is wanted.
func (d *Detours) names() (list []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, r := range d.roads {
		if r.name != "" && !r.over() {
			list = append(list, r.name)
		}
	}
	return list
}

// Close ends all that goes by API servers. No more is dialled.
func (d *Detours) Close() {
	d.end()
	d.ended.Wait()
}
