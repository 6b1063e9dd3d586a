// Package transport carries one HTTP exchange to one endpoint: it checks that
// the address may be dialled, dials, speaks TLS as the backend's trust asks,
// and keeps connections for the next request. It never tries again and never
// follows a redirect; both are for the caller to decide. Floor F1.
package transport

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"net/netip"
	"time"

	"github.com/causeway-access/causeway/internal/conn"
	"github.com/causeway-access/causeway/internal/route"
)

// Config configures a Transport. The zero value dials what Guard allows and
// verifies nothing, as is the custom for services and pods; requests that ask
// for verification fail until the getters are given.
type Config struct {
	// Guard decides which addresses may be dialled.
	Guard Guard
	// Dial opens connections to addresses that the guard has passed; by
	// default a net.Dialer.
	Dial conn.DialFunc
	// Resolve returns the addresses of a host name; by default the system's
	// resolver.
	Resolve func(ctx context.Context, host string) ([]netip.Addr, error)
	// DialTimeout bounds connecting and the TLS handshake together; 10 s by
	// default.
	DialTimeout time.Duration
	// NodeTLS returns the configuration for the kubelet port of nodes: the
	// gateway's client certificate and the authority that signs the nodes'. It
	// is asked at every dial, so that both may be rotated.
	NodeTLS func() *tls.Config
	// CA returns the certificates that route.Trust.CA names.
	CA func(ctx context.Context, name string) (*x509.CertPool, error)
}

// Hop is where an exchange goes and how that is spoken to.
type Hop struct {
	Endpoint route.Endpoint
	Scheme   string
	Trust    route.Trust
}

// Transport holds the connections to all endpoints.
type Transport struct {
	cfg   Config
	pools *route.Table[Hop, *pool]
}

// New returns a Transport. Close ends it.
func New(cfg Config) *Transport {
	if cfg.DialTimeout == 0 {
		cfg.DialTimeout = 10 * time.Second
	}
	if cfg.Dial == nil {
		cfg.Dial = (&net.Dialer{KeepAlive: 30 * time.Second}).DialContext
	}
	if cfg.Resolve == nil {
		cfg.Resolve = func(ctx context.Context, host string) ([]netip.Addr, error) {
			return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
		}
	}
	return &Transport{cfg: cfg, pools: route.NewTable[Hop, *pool]()}
}

// Close closes the idle connections. Exchanges under way go on.
func (t *Transport) Close() {
	t.pools.DeleteFunc(func(_ Hop, p *pool) bool {
		p.http.CloseIdleConnections()
		return true
	})
}

// Sweep drops the pools of endpoints that have not been used for a while. It
// is to be called from time to time.
func (t *Transport) Sweep() {
	now := time.Now()
	t.pools.DeleteFunc(func(_ Hop, p *pool) bool {
		if now.UnixNano()-p.used.Load() < int64(poolUnused) {
			return false
		}
		p.http.CloseIdleConnections()
		return true
	})
}

// Dial opens a connection of its own to the endpoint, with TLS if the scheme
// asks for it and HTTP/1.1 agreed on: for upgrades. Its errors are *DialError.
func (t *Transport) Dial(ctx context.Context, h Hop) (net.Conn, error) {
	return t.dial(ctx, h, []string{"http/1.1"})
}

// RoundTrip sends the request and returns the head of the response with a body
// to be read and closed. The request's URL needs no host: the hop is where it
// goes. Informational, if given, is called for 1xx responses, but not after
// RoundTrip has returned.
//
// Its errors are *DialError if nothing was sent, *LostError if the connection
// ended before a byte of a response, *BadError for what is not a response, or
// the error of the request's context.
func (t *Transport) RoundTrip(r *http.Request, h Hop, informational func(code int, header http.Header)) (*http.Response, error) {
	p := t.pool(h)
	p.used.Store(time.Now().UnixNano())
	return p.roundTrip(r, informational)
}

func (t *Transport) pool(h Hop) *pool {
	return t.pools.LoadOrStore(h, func() *pool { return newPool(t, h) })
}
