// Package h2 serves HTTP/2 (RFC 9113) to handlers of net/http: one goroutine a
// connection reads frames, kept goroutines run the handlers, and each of these
// writes its answer into the connection's buffer itself.
//
// The way of a request: read.go takes frames from the connection, frames.go
// gives them out, block.go decodes the head, request.go makes the request of
// it, stream.go has its life and workers.go runs the handler; response.go and
// send.go take the answer, flow.go waits for the client's windows, flush.go
// writes. Handlers find what they know of net/http's own server: the tests
// serve one table by both. Floor F1.
package h2

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"log"
	"maps"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"
)

// Config is what a server serves, and how much it lets a connection cost.
type Config struct {
	// Handler serves the requests; [http.DefaultServeMux] by default.
	Handler http.Handler
	// MaxStreams is how many requests a connection may have under way, those
	// included that were taken back while their handlers still run
	// (CVE-2023-44487); 100 by default.
	MaxStreams int
	// MaxHeaderBytes bounds the head of a request; 1 MiB by default, as
	// [http.Server]. A longer one is answered 431.
	MaxHeaderBytes int
	// StreamBuffer is what a client may send of a request's body before the
	// handler reads it; 256 KiB by default. ConnBuffer is the same for all
	// requests of a connection together; 1 MiB by default.
	StreamBuffer, ConnBuffer int
	// IdleTimeout is how long a connection without requests is kept; for ever
	// by default.
	IdleTimeout time.Duration
	// PrefaceTimeout is how long a client may take to send its first frame;
	// 10 s by default.
	PrefaceTimeout time.Duration
	// WriteTimeout is how long a connection may take no byte of what waits to
	// be written; for ever by default.
	WriteTimeout time.Duration
	// ExtendedConnect offers extended CONNECT (RFC 8441). Handlers find such a
	// request's :protocol in the header field of that name.
	ExtendedConnect bool
	// ErrorLog takes panics of handlers; the log package's logger by default.
	ErrorLog *log.Logger
}

const (
	defaultMaxStreams     = 100
	defaultStreamBuffer   = 256 << 10
	defaultConnBuffer     = 1 << 20
	defaultPrefaceTimeout = 10 * time.Second
	// maxWindow is the largest window there is (RFC 9113, section 6.9.1).
	maxWindow = 1<<31 - 1
)

// Server serves connections that others accept. It may be used by several
// goroutines.
type Server struct {
	cfg     Config
	workers workers
	clock   clock

	mu       sync.Mutex
	conns    map[*conn]struct{}
	draining bool
	closed   bool
}

// New returns a server.
func New(cfg Config) *Server {
	if cfg.Handler == nil {
		cfg.Handler = http.DefaultServeMux
	}
	if cfg.ErrorLog == nil {
		cfg.ErrorLog = log.Default()
	}
	cfg.MaxStreams = cmp.Or(cfg.MaxStreams, defaultMaxStreams)
	cfg.MaxHeaderBytes = cmp.Or(cfg.MaxHeaderBytes, http.DefaultMaxHeaderBytes)
	cfg.StreamBuffer = min(cmp.Or(cfg.StreamBuffer, defaultStreamBuffer), maxWindow)
	cfg.ConnBuffer = min(max(cmp.Or(cfg.ConnBuffer, defaultConnBuffer), initialWindow), maxWindow)
	cfg.PrefaceTimeout = cmp.Or(cfg.PrefaceTimeout, defaultPrefaceTimeout)
	return &Server{cfg: cfg, conns: map[*conn]struct{}{}}
}

// ServeConn serves a connection until it is over, and closes it. A TLS session
// on it has been made; state is what is known of it, nil if there is none.
// The requests' contexts derive from ctx, and end when it ends.
func (s *Server) ServeConn(ctx context.Context, c net.Conn, state *tls.ConnectionState) {
	if ctx.Value(http.LocalAddrContextKey) == nil {
		ctx = context.WithValue(ctx, http.LocalAddrContextKey, c.LocalAddr())
	}
	h := newConn(ctx, s, c, state)
	if !s.enter(h) {
		_ = c.Close()
		return
	}
	defer s.leave(h)
	h.serve()
}

// NextProto serves connections of a server of net/http that have agreed on
// HTTP/2: it is for [http.Server.TLSNextProto].
func (s *Server) NextProto(_ *http.Server, c *tls.Conn, h http.Handler) {
	ctx := context.Background()
	// So net/http hands its context on to golang.org/x/net/http2, too.
	if from, ok := h.(interface{ BaseContext() context.Context }); ok {
		ctx = from.BaseContext()
	}
	state := c.ConnectionState()
	s.ServeConn(ctx, c, &state)
}

// Shutdown tells all clients to send no more requests, and waits until those
// under way are over and the connections closed, or ctx ends. Clients of
// connections that come later are told at once.
func (s *Server) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	s.draining = true
	conns := slices.Collect(maps.Keys(s.conns))
	s.mu.Unlock()
	for _, c := range conns {
		go c.drain() // a write may take its time
	}
	for _, c := range conns {
		select {
		case <-c.over:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// Close closes all connections. It does not wait for handlers.
func (s *Server) Close() error {
	s.mu.Lock()
	s.closed = true
	conns := slices.Collect(maps.Keys(s.conns))
	s.mu.Unlock()
	var failed error
	for _, c := range conns {
		failed = errors.Join(failed, c.nc.Close())
	}
	return failed
}

// enter takes a connection in, and reports false if the server is closed.
func (s *Server) enter(c *conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.conns[c] = struct{}{}
	s.workers.keep(true)
	if s.draining {
		go c.drain()
	}
	return true
}

// leave forgets a connection. Goroutines are kept while there is any.
func (s *Server) leave(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
	if len(s.conns) == 0 {
		s.workers.keep(false)
	}
}
