package gateway

import (
	"context"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// A client of HTTP/2 may take back a request as soon as it has sent it, and
// then another, and never have many under way (rapid reset, CVE-2023-44487).
// The library ends a connection whose requests pile up; one whose requests are
// begun in vain at such a rate is ended here. A browser that leaves a page
// takes back a hundred.
const (
	maxResets   = 1000
	resetWindow = 10 * time.Second
)

// ResetGuard ends connections on which too many requests are taken back.
type ResetGuard struct {
	window time.Duration // resetWindow
	ended  prometheus.Counter
}

// NewResetGuard returns a guard. Register, if given, adds its metric to a
// registry.
func NewResetGuard(register func(prometheus.Collector) error) (*ResetGuard, error) {
	g := &ResetGuard{window: resetWindow, ended: prometheus.NewCounter(prometheus.CounterOpts{
		Name: "causeway_connections_ended_total", Help: "Connections ended because too many requests on them were taken back (HTTP/2 rapid reset).",
	})}
	if register == nil {
		return g, nil
	}
	return g, register(g.ended)
}

// peer is a client's connection.
type peer struct {
	conn net.Conn

	mu     sync.Mutex
	since  time.Time
	resets int
}

type peerKey struct{}

// ConnContext has the requests of a connection know it; it is for
// [http.Server].
func (*ResetGuard) ConnContext(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, peerKey{}, &peer{conn: c})
}

// Wrap returns next under guard.
func (g *ResetGuard) Wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor == 2 {
			defer g.over(r)
		}
		next.ServeHTTP(w, r)
	})
}

// over looks at a request that is over.
func (g *ResetGuard) over(r *http.Request) {
	if r.Context().Err() == nil {
		return
	}
	p, ok := r.Context().Value(peerKey{}).(*peer)
	if ok && p.reset(time.Now(), g.window) {
		g.ended.Inc()
		_ = p.conn.Close() // its client is no longer asked
	}
}

// reset counts a request that was taken back, and reports the first time that
// there are too many in a window of time.
func (p *peer) reset(now time.Time, window time.Duration) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if now.Sub(p.since) > window {
		p.since, p.resets = now, 0
	}
	p.resets++
	return p.resets == maxResets
}
