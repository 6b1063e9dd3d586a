package portforward

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

const (
	// dialTime bounds what it takes to reach a target, all attempts together.
	dialTime = 30 * time.Second
	// idleTime is how long a session without a stream is kept, and idleMost how
	// many for one target.
	idleTime = 30 * time.Second
	idleMost = 4
)

// Config configures a Dialer. API and URL are needed.
type Config struct {
	// API sends requests to the API server, or to one of several, with the
	// user's credentials. Requests with an Upgrade header it must send by
	// HTTP/1.1.
	API http.RoundTripper
	// URL is the API server's; its path is put before that of each request.
	URL *url.URL
	// Log hears of what is tried. Nil discards it.
	Log *slog.Logger
}

// Dialer opens connections. Close ends it.
//
// A session with the API server carries one connection at a time, and the next
// when that has ended well. The protocol could carry many side by side, but it
// has no flow control for each: one that nobody reads from would hold up all.
type Dialer struct {
	cfg Config
	// noTunnel is set when a WebSocket did not get through and SPDY did,
	// noServices when the API server knows of no services/portforward.
	noTunnel, noServices atomic.Bool

	mu     sync.Mutex
	closed bool
	idle   map[string][]*session // by path
}

// New returns a Dialer.
func New(cfg Config) *Dialer {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Dialer{cfg: cfg, idle: make(map[string][]*session)}
}

// Dial connects to a port of a target: the service's port for a service, else
// the pod's. The end of ctx ends the attempt, not the connection.
func (d *Dialer) Dial(ctx context.Context, t Target, port uint16) (*Conn, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, dialTime, errors.New("the API server did not make the connection within "+dialTime.String()))
	defer cancel()
	switch {
	case t.Resource == "pods":
		return d.open(ctx, t, port, false)
	case t.Resource != "services" || d.noServices.Load():
		return d.viaPod(ctx, t, port)
	}
	c, err := d.open(ctx, t, port, true)
	switch {
	case unknownResource(err):
		d.noServices.Store(true)
		d.cfg.Log.Debug("the API server does not forward to services; using their pods")
		return d.viaPod(ctx, t, port)
	case apierrors.IsForbidden(err):
		// An API server that does not know the resource refuses it to all but
		// administrators; and who may not use it may perhaps use pods.
		if c, other := d.viaPod(ctx, t, port); other == nil {
			return c, nil
		}
	}
	return c, err
}

// Check asks whether connections to a target may be made, as far as that can be
// known before a port is named.
func (d *Dialer) Check(ctx context.Context, t Target) error {
	ctx, cancel := context.WithTimeout(ctx, dialTime)
	defer cancel()
	if t.Resource != "pods" && t.Resource != "services" {
		_, err := d.podsOf(ctx, t, 0)
		return err
	}
	s, err := d.connect(ctx, t.path("portforward"))
	switch {
	case err == nil:
		d.release(s)
		return nil
	case t.Resource == "services" && (unknownResource(err) || apierrors.IsForbidden(err)):
		if _, other := d.podsOf(ctx, t, 0); other == nil || unknownResource(err) {
			return other
		}
	}
	return err
}

// open connects to what the API server itself forwards to, over an idle session
// or a new one. If acknowledged, it waits until the backend was reached.
func (d *Dialer) open(ctx context.Context, t Target, port uint16, acknowledged bool) (*Conn, error) {
	path := t.path("portforward")
	for {
		s := d.take(path)
		fresh := s == nil
		if fresh {
			var err error
			if s, err = d.connect(ctx, path); err != nil {
				return nil, err
			}
		}
		c, err := s.open(ctx, port, acknowledged)
		if err == nil {
			return c, nil
		}
		var refused *RefusedError
		if errors.As(err, &refused) {
			d.release(s)
			return nil, err
		}
		s.close()
		if fresh || ctx.Err() != nil {
			return nil, err
		}
	}
}

// take returns an idle session, or nil.
func (d *Dialer) take(path string) *session {
	d.mu.Lock()
	defer d.mu.Unlock()
	for {
		list := d.idle[path]
		if len(list) == 0 {
			delete(d.idle, path)
			return nil
		}
		s := list[len(list)-1]
		d.idle[path] = list[:len(list)-1]
		if s.idle.Stop() && !s.broken() {
			return s
		}
	}
}

// release keeps a session for the next connection, if it is good for one.
func (d *Dialer) release(s *session) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed || s.broken() || len(d.idle[s.path]) >= idleMost {
		go s.close() // it may have to wait for a write
		return
	}
	s.idle = time.AfterFunc(idleTime, func() { d.expire(s) })
	d.idle[s.path] = append(d.idle[s.path], s)
}

// expire closes a session that was idle for long.
func (d *Dialer) expire(s *session) {
	d.mu.Lock()
	d.idle[s.path] = slices.DeleteFunc(d.idle[s.path], func(other *session) bool { return other == s })
	if len(d.idle[s.path]) == 0 {
		delete(d.idle, s.path)
	}
	d.mu.Unlock()
	s.close()
}

// Close closes the idle sessions. Connections go on until they are closed.
func (d *Dialer) Close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.closed = true
	for _, list := range d.idle {
		for _, s := range list {
			s.idle.Stop()
			s.close()
		}
	}
	clear(d.idle)
}
