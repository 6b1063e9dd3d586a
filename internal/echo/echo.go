// Package echo is a small server to try things with: it answers a request
// with what arrived, names the pod it runs in, and has pages that behave badly
// on purpose. It speaks HTTP/1.1 and HTTP/2 with and without TLS, WebSocket,
// TCP and UDP. Examples, documents and tests use it as their backend.
//
// Floor F3, beside cluster: only the command line uses it.
package echo

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"
)

// Config says where to listen and who answers. An address is host:port; an
// empty one turns that protocol off, port 0 takes any free port.
type Config struct {
	// HTTP serves HTTP/1.1, HTTP/2 (with prior knowledge if there is no TLS) and WebSocket.
	HTTP string
	// TLS makes HTTP an HTTPS server. Without Certificate it makes its own.
	TLS bool
	// Certificate is the server's certificate and key.
	Certificate *tls.Certificate
	// TCP sends back what it receives, until the client closes its side (RFC 862).
	TCP string
	// UDP sends back each datagram (RFC 862).
	UDP string
	// Pod and Namespace name this server in its answers.
	Pod, Namespace string
}

// Server holds open listeners; Serve makes them answer.
type Server struct {
	cfg  Config
	http net.Listener
	tcp  net.Listener
	udp  net.PacketConn
}

// Listen opens every listener of cfg. On an error none stays open.
func Listen(cfg Config) (*Server, error) {
	s := &Server{cfg: cfg}
	if err := s.listen(); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Server) listen() (err error) {
	if s.cfg.HTTP == "" && s.cfg.TCP == "" && s.cfg.UDP == "" {
		return errors.New("nothing to listen on: give an address for HTTP, TCP or UDP")
	}
	if s.cfg.HTTP != "" {
		if s.http, err = net.Listen("tcp", s.cfg.HTTP); err != nil {
			return err
		}
	}
	if s.cfg.TCP != "" {
		if s.tcp, err = net.Listen("tcp", s.cfg.TCP); err != nil {
			return err
		}
	}
	if s.cfg.UDP != "" {
		if s.udp, err = net.ListenPacket("udp", s.cfg.UDP); err != nil {
			return err
		}
	}
	return nil
}

// URL is the address of the HTTP side, or empty if there is none.
func (s *Server) URL() string {
	if s.http == nil {
		return ""
	}
	scheme := "http"
	if s.cfg.TLS {
		scheme = "https"
	}
	return scheme + "://" + s.http.Addr().String()
}

// TCPAddr is where the TCP echo listens, or empty if it does not.
func (s *Server) TCPAddr() string {
	if s.tcp == nil {
		return ""
	}
	return s.tcp.Addr().String()
}

// UDPAddr is where the UDP echo listens, or empty if it does not.
func (s *Server) UDPAddr() string {
	if s.udp == nil {
		return ""
	}
	return s.udp.LocalAddr().String()
}

// Close closes the listeners. Serve does it too.
func (s *Server) Close() error {
	var errs []error
	if s.http != nil {
		errs = append(errs, s.http.Close())
	}
	if s.tcp != nil {
		errs = append(errs, s.tcp.Close())
	}
	if s.udp != nil {
		errs = append(errs, s.udp.Close())
	}
	return errors.Join(errs...)
}

// Serve answers until ctx ends, which is no error, or a listener fails. When
// it returns, every connection is closed.
func (s *Server) Serve(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	if s.http != nil {
		group.Go(func() error { return s.serveHTTP(ctx) })
	}
	if s.tcp != nil {
		group.Go(func() error { return serveTCP(ctx, s.tcp) })
	}
	if s.udp != nil {
		group.Go(func() error { return serveUDP(ctx, s.udp) })
	}
	return group.Wait()
}

// serveHTTP runs the HTTP side. When ctx ends, requests have a moment to
// finish; streams see the end of ctx themselves.
func (s *Server) serveHTTP(ctx context.Context) error {
	server := &http.Server{
		Handler:           newHandler(s.cfg.Pod, s.cfg.Namespace),
		ReadHeaderTimeout: 30 * time.Second,
		BaseContext:       func(net.Listener) context.Context { return ctx },
		Protocols:         protocols(),
	}
	closed := make(chan error, 1)
	stop := context.AfterFunc(ctx, func() {
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		if server.Shutdown(grace) != nil {
			closed <- server.Close()
			return
		}
		closed <- nil
	})
	err := s.serveListener(server)
	if !stop() {
		return <-closed // ctx ended, and the connections are closed
	}
	return fmt.Errorf("serve HTTP on %s: %w", s.http.Addr(), err)
}

func (s *Server) serveListener(server *http.Server) error {
	if !s.cfg.TLS {
		return server.Serve(s.http)
	}
	certificate := s.cfg.Certificate
	if certificate == nil {
		made, err := selfSigned(s.http.Addr())
		if err != nil {
			return err
		}
		certificate = made
	}
	server.TLSConfig = &tls.Config{
		Certificates: []tls.Certificate{*certificate},
		ClientAuth:   tls.RequestClientCert, // shown in the answer, never verified
	}
	return server.ServeTLS(s.http, "", "")
}

// protocols are all that net/http speaks.
func protocols() *http.Protocols {
	p := new(http.Protocols)
	p.SetHTTP1(true)
	p.SetHTTP2(true)
	p.SetUnencryptedHTTP2(true)
	return p
}
