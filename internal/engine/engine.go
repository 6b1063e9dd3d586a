// Package engine is the server's side of HTTP: it accepts connections, makes
// their TLS sessions, and serves plain HTTP/1.1 requests by a loop of its own
// (package h1), which costs a part of what net/http's server does. All else,
// HTTP/2 and whatever is not plain, is served by net/http's server, to which a
// connection goes with the bytes that were read of it and not used.
//
// A handler cannot tell the two apart, and a client hardly: the answers are the
// same but for the order of some fields and the sizes of chunks. Floor F1.
package engine

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/causeway-access/causeway/internal/engine/h1"
)

// Server serves as an [http.Server] does.
type Server struct {
	http     *http.Server
	sessions *tls.Config
	plain    h1.Server
	// declines is set if the http.Server is to do what the loop cannot.
	declines bool
	queue    *queue

	mu        sync.Mutex
	listeners map[net.Listener]struct{}
	young     map[net.Conn]struct{} // that are in their handshake
	closed    bool
	handed    sync.WaitGroup // of the goroutines that serve what is handed over
}

// New returns a server that serves what the given one is configured to serve,
// which must not be used but through it. Handler, TLSConfig, TLSNextProto,
// ReadHeaderTimeout, IdleTimeout, MaxHeaderBytes, ConnContext and ErrorLog mean
// the same; with ReadTimeout, WriteTimeout, ConnState or BaseContext
// everything is left to net/http. HTTP/2 is what TLSNextProto has for it.
func New(s *http.Server) *Server {
	e := &Server{
		http:  s,
		queue: newQueue(),
		plain: h1.Server{
			Handler: s.Handler, ErrorLog: s.ErrorLog, MaxHeaderBytes: s.MaxHeaderBytes,
			ReadHeaderTimeout: s.ReadHeaderTimeout, IdleTimeout: s.IdleTimeout,
		},
		declines: s.ReadTimeout != 0 || s.WriteTimeout != 0 || s.ConnState != nil || s.BaseContext != nil,
	}
	e.listeners, e.young = make(map[net.Listener]struct{}), make(map[net.Conn]struct{})
	if s.Handler == nil {
		e.plain.Handler = http.DefaultServeMux
	}
	if s.TLSConfig != nil {
		e.sessions = s.TLSConfig.Clone() // net/http's server may change its own
	}
	e.handed.Go(func() { _ = s.Serve(e.queue) }) // it ends with the server
	return e
}

// Serve serves the connections of a listener until it fails or the server ends,
// when it returns [http.ErrServerClosed].
func (e *Server) Serve(l net.Listener) error { return e.serve(l, nil) }

// ServeTLS is Serve in TLS sessions, by the TLSConfig of the http.Server. The
// protocols to be agreed on are to stand in it.
func (e *Server) ServeTLS(l net.Listener) error { return e.serve(l, e.sessions) }

func (e *Server) serve(l net.Listener, sessions *tls.Config) error {
	if !e.open(l) {
		_ = l.Close()
		return http.ErrServerClosed
	}
	defer e.shut(l)
	for {
		c, err := e.accept(l)
		if err != nil {
			return err
		}
		go e.conn(c, sessions)
	}
}

// The pauses after an error of accepting that may pass, of too many open files
// above all.
const (
	firstPause = 5 * time.Millisecond
	lastPause  = time.Second
)

func (e *Server) accept(l net.Listener) (net.Conn, error) {
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		c, err := l.Accept()
		if err == nil {
			return c, nil
		}
		if e.isClosed() {
			return nil, http.ErrServerClosed
		}
		var passing interface{ Temporary() bool }
		if !errors.As(err, &passing) || !passing.Temporary() {
			return nil, err
		}
		e.logf("http: Accept error: %v; retrying in %v", err, pause)
		time.Sleep(pause)
	}
}

// conn serves a connection.
func (e *Server) conn(c net.Conn, sessions *tls.Config) {
	if sessions != nil {
		session := e.handshake(c, sessions)
		if session == nil {
			return
		}
		c = session
	}
	var state *tls.ConnectionState
	if session, ok := c.(*tls.Conn); ok {
		s := session.ConnectionState()
		state = &s
		if s.NegotiatedProtocol != "" && s.NegotiatedProtocol != "http/1.1" {
			e.queue.put(c)
			return
		}
	}
	if e.declines || !h1.Serves(c) {
		e.queue.put(c)
		return
	}
	e.loop(c, state)
}

// loop has the loop serve a connection, and net/http what it declines.
func (e *Server) loop(c net.Conn, state *tls.ConnectionState) {
	ctx := context.WithValue(context.Background(), http.ServerContextKey, e.http)
	ctx = context.WithValue(ctx, http.LocalAddrContextKey, c.LocalAddr())
	if e.http.ConnContext != nil {
		ctx = e.http.ConnContext(ctx, c)
	}
	outcome, unread := e.plain.Serve(ctx, c, state)
	switch outcome {
	case h1.Declined:
		e.queue.put(withUnread(c, unread))
	case h1.Closed:
		_ = c.Close() // it may be closed already
	}
}

func (e *Server) logf(format string, args ...any) {
	if l := e.http.ErrorLog; l != nil {
		l.Printf(format, args...)
	}
}
