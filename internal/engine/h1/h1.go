// Package h1 is a loop of our own that serves plain HTTP/1.1 requests to an
// [http.Handler], at a part of what net/http's server costs.
//
// It never rejects, it only declines. What a request is, and where it ends, is
// decided by a grammar stricter than RFC 9112; whatever is outside of it (other
// versions, upgrades, expectations, chunked bodies, and all that is malformed)
// is given back with the connection's unread bytes, for net/http's server to
// judge. So there is one server that answers 400, 417, 431 and 501, and
// smuggling would have to come by a request on whose meaning everybody agrees.
//
// What it saves: nothing is read in the background, no deadline is set for a
// request, and no header is copied. One goroutine a server looks at all
// connections each second, ends those that are idle or slow for too long, and
// looks after the clients of requests that take longer.
//
// Requests, their header maps and contexts, and responses are made anew for each
// request and never used again: audit, timeouts and watches keep them after the
// handler has returned. Buffers are pooled; an idle connection has none.
// Floor F1, a part of engine.
package h1

import (
	"context"
	"crypto/tls"
	"log"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Server serves connections. Its fields are not to be changed once it serves.
type Server struct {
	Handler http.Handler
	// MaxHeaderBytes bounds the head of a request, as does the buffer of 8 KiB
	// into which it must fit: longer ones are declined. 0 is no other bound.
	MaxHeaderBytes int
	// ReadHeaderTimeout bounds the time for a head, from its first byte on or, for
	// the first one, from the connection's beginning; IdleTimeout the time between
	// two requests; 0 is no bound. They are kept to within a second, or to within
	// their quarter if that is less.
	ReadHeaderTimeout, IdleTimeout time.Duration
	// ErrorLog hears of panics and of handlers' mistakes; nil is log's own.
	ErrorLog *log.Logger

	now  atomic.Int64 // counts the sweeper's rounds
	date atomic.Pointer[date]

	mu       sync.Mutex
	conns    map[*conn]struct{}
	sweeping bool
	closing  atomic.Bool
	broken   atomic.Bool // all connections are, or will be at once
}

// Outcome is what came of a connection.
type Outcome int

// The outcomes.
const (
	// Closed connections have ended; the caller has only to close them, too.
	Closed Outcome = iota
	// Declined connections are open, and to be served by another server, which
	// is to see the bytes that Serve returns before all others.
	Declined
	// Hijacked connections are the handler's.
	Hijacked
)

// Serves reports whether connections such as c can be served: those of which
// the socket can be looked at.
func Serves(c net.Conn) bool { return watchable && socketOf(c) != nil }

// Serve serves the requests of a connection until it ends, is hijacked, or
// brings something that is not plain. The context is that of all its requests;
// the state is nil if there is no TLS, else its handshake must be complete. No
// deadline may be set on the connection.
func (s *Server) Serve(ctx context.Context, c net.Conn, state *tls.ConnectionState) (Outcome, []byte) {
	one := newConn(s, ctx, c, state)
	if !s.enter(one) {
		return Closed, nil
	}
	defer s.leave(one)
	return one.serve()
}

// Shutdown has connections end: idle ones now, others after the answer to their
// request. It may be called again, and reports whether any is left.
func (s *Server) Shutdown() (left bool) {
	s.closing.Store(true)
	now := s.now.Load()
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		c.retire(now)
	}
	return len(s.conns) > 0
}

// Close breaks off all connections, and with them the requests' contexts.
func (s *Server) Close() {
	s.closing.Store(true)
	s.broken.Store(true)
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		_ = c.net.Close() // its goroutine is told
		if x := c.current.Load(); x != nil {
			x.ctx.cancel()
		}
	}
}

func (s *Server) enter(c *conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing.Load() {
		return false
	}
	if s.conns == nil {
		s.conns = make(map[*conn]struct{})
	}
	s.conns[c] = struct{}{}
	if !s.sweeping {
		s.sweeping = true
		time.AfterFunc(s.period(), s.sweep)
	}
	return true
}

func (s *Server) leave(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
}

func (s *Server) logf(format string, args ...any) {
	if s.ErrorLog != nil {
		s.ErrorLog.Printf(format, args...)
	} else {
		log.Printf(format, args...)
	}
}

// date is the Date of a second.
type date struct {
	second int64
	text   []byte
}

// dateNow returns the value of a Date field.
func (s *Server) dateNow() []byte {
	now := time.Now()
	if d := s.date.Load(); d != nil && d.second == now.Unix() {
		return d.text
	}
	d := &date{now.Unix(), now.UTC().AppendFormat(nil, http.TimeFormat)}
	s.date.Store(d)
	return d.text
}

// socketOf returns the socket below a connection, or nil.
func socketOf(c net.Conn) syscall.RawConn {
	if outer, ok := c.(interface{ NetConn() net.Conn }); ok { // TLS
		c = outer.NetConn()
	}
	inner, ok := c.(syscall.Conn)
	if !ok {
		return nil
	}
	raw, err := inner.SyscallConn()
	if err != nil {
		return nil
	}
	return raw
}
