// Package transport carries one HTTP exchange to one endpoint: it checks that
// the address may be dialled, dials, speaks TLS as the backend's trust asks,
// and keeps connections for the next request. It never tries again and never
// follows a redirect; both are for the caller to decide.
//
// HTTP/1.1 is its own: exchange.go has the way of a request, on the caller's
// goroutine from the first byte to the last; link.go the look at a kept
// connection before it is written to; head.go, body.go and chunk.go what is
// accepted as a response; upload.go the request's body; pool.go and watch.go
// the connections. HTTP/2 is net/http's, in h2.go. Floor F1.
package transport

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
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
	// Tunnel returns what dials a host name that is a node's, reached through
	// its tunnel; nil for other names. Such a name is not resolved, and what may
	// be dialled there the node itself says. Nil knows none.
	Tunnel func(host string) conn.DialFunc
	// DialTimeout bounds connecting and the TLS handshake together; 10 s by
	// default.
	DialTimeout time.Duration
	// Connect opens connections in place of Resolve, Guard and Dial, for a
	// caller who trusts every address that he asks for. Those to https get a
	// TLS session by TLS.
	Connect func(ctx context.Context, e route.Endpoint) (net.Conn, error)
	// TLS returns the configuration of all TLS sessions, in place of what a
	// hop's trust asks for. If it names protocols for ALPN, no others are
	// offered. It is asked at every dial and not changed.
	TLS func() *tls.Config
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
	now   atomic.Int64 // in ticks; it stands still while there are no connections

	mu      sync.Mutex
	active  map[*pool]struct{} // those that tick looks at
	timer   *time.Timer
	ticking bool
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
	return &Transport{cfg: cfg, pools: route.NewTable[Hop, *pool](), active: make(map[*pool]struct{})}
}

// Close closes the idle connections. Exchanges under way go on.
func (t *Transport) Close() { t.drop(func(*pool) bool { return true }) }

// Sweep drops the pools of endpoints that have not been used for a while. It
// is to be called from time to time.
func (t *Transport) Sweep() {
	now := time.Now()
	t.drop(func(p *pool) bool { return p.unused(now) })
}

// Forget drops what is kept to endpoints for which moved is true: they are
// reached by another way from now on, and the old one may lead nowhere without
// a sign of it. Exchanges under way go on.
func (t *Transport) Forget(moved func(route.Endpoint) bool) {
	t.drop(func(p *pool) bool { return moved(p.hop.Endpoint) })
}

// drop drops the pools for which old is true. A request that has just found one
// of them still uses it, for itself alone.
func (t *Transport) drop(old func(*pool) bool) {
	var dropped []*pool
	t.pools.DeleteFunc(func(_ Hop, p *pool) bool {
		if !old(p) {
			return false
		}
		dropped = append(dropped, p)
		return true
	})
	for _, p := range dropped {
		p.close()
	}
}

// RoundTrip sends the request and fills into with the head of the response; the
// body is to be read and closed. The exchange runs on the caller's goroutine,
// and the end of ctx ends it, until the body is closed.
//
// Its errors are *DialError if nothing was sent, *LostError if the connection
// ended before a byte of a response, *BadError for what is not a response,
// *InvalidError for what is not a request, or the cause of ctx.
func (t *Transport) RoundTrip(ctx context.Context, h Hop, r *Request, into *Response) error {
	p := t.pools.LoadOrStore(h, func() *pool { return &pool{t: t, hop: h, used: time.Now()} })
	if !r.Upgrade {
		if http2 := p.h2.Load(); http2 != nil {
			return http2.roundTrip(ctx, r, into)
		}
		if h.Scheme == route.SchemeH2C {
			return p.speak(nil).roundTrip(ctx, r, into)
		}
	}
	return p.roundTrip(ctx, r, into)
}
