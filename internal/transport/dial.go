package transport

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"

	"github.com/causeway-access/causeway/internal/route"
)

// protocols are those offered where both are spoken.
var protocols = []string{"h2", "http/1.1"}

// dial opens a connection to the hop's endpoint, and a TLS session on it if
// the scheme is https. Abandon ends it. Its errors are *DialError, for nothing
// was sent; that wraps the cause of ctx if it has ended.
func (p *pool) dial(request context.Context, alpn []string) (net.Conn, error) {
	ctx, cancel := context.WithCancelCause(request)
	defer cancel(nil)
	w := &wait{cancel: cancel}
	p.t.mu.Lock()
	p.enlist(w)
	p.t.watch(p)
	p.t.mu.Unlock()
	defer p.delist(w)
	c, err := p.t.dial(ctx, p.hop, alpn)
	switch {
	case err == nil:
		return c, nil
	case request.Err() != nil:
		err = context.Cause(request)
	case context.Cause(ctx) == errFrozen: //nolint:errorlint // Abandon's very value
		err = errFrozen
	}
	return nil, &DialError{err}
}

func (t *Transport) dial(ctx context.Context, h Hop, alpn []string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, t.cfg.DialTimeout)
	defer cancel()
	c, err := t.connect(ctx, h.Endpoint)
	if err != nil || h.Scheme != route.SchemeHTTPS {
		return c, err
	}
	cfg, err := t.tlsConfig(ctx, h, alpn)
	if err != nil {
		c.Close()
		return nil, err
	}
	if tcp, ok := c.(*net.TCPConn); ok {
		c = &polled{TCPConn: tcp}
	}
	session := tls.Client(c, cfg)
	if err := session.HandshakeContext(ctx); err != nil {
		c.Close()
		return nil, err
	}
	return session, nil
}

// connect resolves once, checks, and dials the address that was checked: a
// name that means another address a moment later changes nothing.
func (t *Transport) connect(ctx context.Context, e route.Endpoint) (net.Conn, error) {
	switch {
	case t.cfg.Connect != nil:
		return t.cfg.Connect(ctx, e)
	case e.Host == "":
		return t.connectTo(ctx, e.Addr)
	case t.cfg.Tunnel != nil:
		if dial := t.cfg.Tunnel(e.Host); dial != nil {
			return dial(ctx, "tcp", e.String())
		}
	}
	return t.resolve(ctx, e)
}

// resolve dials the first address of a host name that can be.
func (t *Transport) resolve(ctx context.Context, e route.Endpoint) (net.Conn, error) {
	addrs, err := t.cfg.Resolve(ctx, e.Host)
	if err != nil {
		return nil, fmt.Errorf("resolving %s: %w", e.Host, err)
	}
	failed := make([]error, 0, len(addrs))
	for _, addr := range addrs {
		c, err := t.connectTo(ctx, netip.AddrPortFrom(addr.Unmap(), e.Addr.Port()))
		if err == nil {
			return c, nil
		}
		failed = append(failed, err)
	}
	if len(failed) == 0 {
		return nil, fmt.Errorf("resolving %s: no addresses", e.Host)
	}
	return nil, errors.Join(failed...)
}

func (t *Transport) connectTo(ctx context.Context, addr netip.AddrPort) (net.Conn, error) {
	if err := t.cfg.Guard.Check(addr); err != nil {
		return nil, err
	}
	return t.cfg.Dial(ctx, "tcp", addr.String())
}

// tlsConfig returns what a hop's trust asks for. It fails rather than verify
// less than was asked.
func (t *Transport) tlsConfig(ctx context.Context, h Hop, alpn []string) (*tls.Config, error) {
	host := h.Endpoint.Host
	if host == "" {
		host = h.Endpoint.Addr.Addr().String()
	}
	switch {
	case t.cfg.TLS != nil:
		cfg := t.cfg.TLS().Clone()
		if cfg.NextProtos == nil {
			cfg.NextProtos = alpn
		}
		cfg.ServerName = cmp.Or(cfg.ServerName, host)
		return cfg, nil
	case h.Trust.Node:
		if t.cfg.NodeTLS == nil {
			return nil, errors.New("this gateway has no credentials for nodes")
		}
		cfg := t.cfg.NodeTLS().Clone()
		cfg.NextProtos = alpn
		cfg.ServerName = cmp.Or(cfg.ServerName, host)
		return cfg, nil
	case h.Trust.CA != "":
		if t.cfg.CA == nil {
			return nil, fmt.Errorf("verifying against %s: this gateway cannot read it", h.Trust.CA)
		}
		pool, err := t.cfg.CA(ctx, h.Trust.CA)
		if err != nil {
			return nil, fmt.Errorf("verifying against %s: %w", h.Trust.CA, err)
		}
		return &tls.Config{RootCAs: pool, ServerName: h.Trust.ServerName, NextProtos: alpn}, nil
	default:
		// As the API server's proxy has always done; the annotations of the
		// catalog ask for more.
		return &tls.Config{InsecureSkipVerify: true, ServerName: h.Trust.ServerName, NextProtos: alpn}, nil //nolint:gosec // stated above
	}
}
