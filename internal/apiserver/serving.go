package apiserver

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/http2"
	"k8s.io/apiserver/pkg/server/dynamiccertificates"
	"k8s.io/klog/v2"

	"github.com/causeway-access/causeway/internal/engine"
	"github.com/causeway-access/causeway/internal/engine/h2"
)

// Serving says what a connection may cost. The zero value is the defaults.
type Serving struct {
	// MaxHeaderBytes bounds the head of a request; 64 KiB by default. It is
	// read before anybody knows who asks.
	MaxHeaderBytes int
	// ReadHeaderTimeout bounds the TLS handshake, and after it the time for the
	// head of a request over HTTP/1.1; 10 s by default.
	ReadHeaderTimeout time.Duration
	// IdleTimeout is how long a connection without a request is kept; 90 s by
	// default, as clients keep theirs.
	IdleTimeout time.Duration
	// MaxStreams is how many requests a connection over HTTP/2 may have under
	// way; 100 by default.
	MaxStreams int
	// ConnContext returns the context of a connection's requests. Nil for ctx.
	ConnContext func(ctx context.Context, c net.Conn) context.Context
	// Drained is called once no more connections are accepted. It returns when
	// requests that have left the server, upgraded ones, are over; ctx ends with
	// the drain time. Nil if nobody has such.
	Drained func(ctx context.Context) error
}

const (
	defaultMaxHeaderBytes    = 64 << 10
	defaultReadHeaderTimeout = 10 * time.Second
	defaultIdleTimeout       = 90 * time.Second
	defaultMaxStreams        = 100
	// streamBuffer is what a client may send on a stream before it is read.
	streamBuffer = 256 << 10
	// writeTimeout is how long a client over HTTP/2 may take nothing at all of
	// what waits to be written.
	writeTimeout = 2 * time.Minute
)

// door stands for the real listener towards the library, whose server sets
// limits that cannot be changed. Nobody comes through it. The library closes
// it when the time has come to accept no more connections.
type door struct {
	addr   net.Addr
	closed chan struct{}
	once   sync.Once
}

func newDoor(l net.Listener) *door { return &door{addr: l.Addr(), closed: make(chan struct{})} }

// Accept implements [net.Listener]. It returns when the door is closed.
func (d *door) Accept() (net.Conn, error) {
	<-d.closed
	return nil, net.ErrClosed
}

// Addr implements [net.Listener].
func (d *door) Addr() net.Addr { return d.addr }

// Close implements [net.Listener].
func (d *door) Close() error {
	d.once.Do(func() { close(d.closed) })
	return nil
}

// serve serves the API on the real listener until the door is closed, then
// gives what is under way its time. The returned channel tells the end.
func (s *Server) serve(handler http.Handler) (<-chan error, error) {
	stop := make(chan struct{})
	configured, err := s.server(handler, stop)
	if err != nil {
		close(stop)
		return nil, fmt.Errorf("preparing to serve: %w", err)
	}
	server := engine.New(configured)
	ended := make(chan error, 1)
	go func() {
		if err := server.ServeTLS(s.base.cfg.Listener); !errors.Is(err, http.ErrServerClosed) {
			klog.ErrorS(err, "The API is no longer served")
		}
	}()
	go func() {
		defer close(stop)
		<-s.base.door.closed
		ended <- s.drain(server)
	}()
	return ended, nil
}

// drain ends the server: no more connections, then time for what is under way,
// then the end of that too.
func (s *Server) drain(server *engine.Server) error {
	ctx, cancel := context.WithTimeout(context.Background(), s.drainTime())
	defer cancel()
	left := make(chan error, 1)
	go func() {
		if drained := s.base.cfg.Serving.Drained; drained != nil {
			left <- drained(ctx)
			return
		}
		left <- nil
	}()
	if err := server.Shutdown(ctx); err != nil {
		klog.InfoS("Breaking off requests that are still under way", "given", s.drainTime())
		if err := server.Close(); err != nil {
			klog.ErrorS(err, "Closing connections")
		}
	}
	return <-left
}

func (s *Server) drainTime() time.Duration {
	return cmp.Or(s.base.cfg.DrainTimeout, defaultDrainTimeout)
}

func (s *Server) server(handler http.Handler, stop <-chan struct{}) (*http.Server, error) {
	v := s.base.cfg.Serving
	config, err := s.tlsConfig(stop)
	if err != nil {
		return nil, err
	}
	server := &http.Server{
		Handler: handler, TLSConfig: config, ConnContext: v.ConnContext,
		MaxHeaderBytes:    cmp.Or(v.MaxHeaderBytes, defaultMaxHeaderBytes),
		ReadHeaderTimeout: cmp.Or(v.ReadHeaderTimeout, defaultReadHeaderTimeout),
		IdleTimeout:       cmp.Or(v.IdleTimeout, defaultIdleTimeout),
		ErrorLog:          log.New(serverErrors{}, "", 0),
	}
	s.serveHTTP2(server)
	return server, nil
}

// serveHTTP2 has HTTP/2 served by our own server. Its connections are the
// other's, too: that waits for them when it shuts down.
func (s *Server) serveHTTP2(server *http.Server) {
	streams := cmp.Or(s.base.cfg.Serving.MaxStreams, defaultMaxStreams)
	own := h2.New(h2.Config{
		Handler: server.Handler, MaxStreams: streams, MaxHeaderBytes: server.MaxHeaderBytes,
		StreamBuffer: streamBuffer, ConnBuffer: min(streams, 100) * streamBuffer,
		PrefaceTimeout: server.ReadHeaderTimeout, IdleTimeout: server.IdleTimeout, WriteTimeout: writeTimeout,
		ExtendedConnect: true, ErrorLog: server.ErrorLog,
	})
	server.TLSNextProto = map[string]func(*http.Server, *tls.Conn, http.Handler){http2.NextProtoTLS: own.NextProto}
	server.RegisterOnShutdown(func() { _ = own.Shutdown(context.Background()) })
}

// tlsConfig shows the certificates that the library knows, as they are at the
// time: its own for the loopback client, and those which are rotated.
func (s *Server) tlsConfig(stop <-chan struct{}) (*tls.Config, error) {
	info := s.base.generic.SecureServing
	config := &tls.Config{
		MinVersion: tls.VersionTLS12,
		NextProtos: []string{http2.NextProtoTLS, "http/1.1"},
		// Who shows a certificate is authenticated by it, but nobody must.
		ClientAuth: tls.RequestClientCert,
	}
	certificates := dynamiccertificates.NewDynamicServingCertificateController(config, info.ClientCA, info.Cert, info.SNICerts, nil)
	info.ClientCA.AddListener(certificates)
	info.Cert.AddListener(certificates)
	if err := certificates.RunOnce(); err != nil {
		return nil, fmt.Errorf("reading the serving certificates: %w", err)
	}
	go certificates.Run(1, stop)
	config.GetConfigForClient = certificates.GetConfigForClient
	return config, nil
}

// serverErrors takes what the server has to say. Handshakes that fail are the
// clients' affair, and there is no end of them.
type serverErrors struct{}

// Write implements [io.Writer].
func (serverErrors) Write(line []byte) (int, error) {
	text := strings.TrimSpace(string(line))
	if strings.HasPrefix(text, "http: TLS handshake error") {
		klog.V(5).InfoS("TLS handshake failed", "err", text)
	} else {
		klog.ErrorS(nil, text)
	}
	return len(line), nil
}
