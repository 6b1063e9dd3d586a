package transport

import (
	"context"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"sync"
	"sync/atomic"
	"time"

	"github.com/causeway-access/causeway/internal/route"
)

const (
	// idlePerEndpoint bounds the idle connections kept to one endpoint. Go's
	// default of two makes nearly every request of a busy service dial.
	idlePerEndpoint = 256
	// idleTime is how long an idle connection is kept; shorter than the idle
	// time-outs of common servers.
	idleTime = 55 * time.Second
	// poolUnused is how long the pool of an unused endpoint is kept.
	poolUnused = 10 * time.Minute
	buffer     = 16 << 10
	// expectTime is how long a backend may take to say whether it wants the
	// body of a request with Expect: 100-continue. Many never say.
	expectTime = 250 * time.Millisecond
)

// pool holds the connections to one endpoint. Each has its own http.Transport,
// since one shared by all endpoints would make all requests share its lock.
type pool struct {
	http *http.Transport
	used atomic.Int64 // when a request last came, in Unix nanoseconds
}

func newPool(t *Transport, h Hop) *pool {
	var protocols http.Protocols
	alpn := []string{"h2", "http/1.1"}
	switch h.Scheme {
	case route.SchemeH2C:
		protocols.SetUnencryptedHTTP2(true)
	case route.SchemeHTTPS:
		protocols.SetHTTP1(true)
		protocols.SetHTTP2(true)
	default:
		protocols.SetHTTP1(true)
	}
	return &pool{http: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return t.dial(ctx, h, nil)
		},
		DialTLSContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return t.dial(ctx, h, alpn)
		},
		Protocols:             &protocols,
		DisableCompression:    true, // a compressed body goes through as it is
		MaxIdleConns:          0,
		MaxIdleConnsPerHost:   idlePerEndpoint,
		IdleConnTimeout:       idleTime,
		ExpectContinueTimeout: expectTime,
		WriteBufferSize:       buffer,
		ReadBufferSize:        buffer,
	}}
}

// roundTrip makes the exchange and sorts its error.
func (p *pool) roundTrip(r *http.Request, informational func(int, http.Header)) (*http.Response, error) {
	x := &exchange{informational: informational}
	ctx := httptrace.WithClientTrace(r.Context(), &httptrace.ClientTrace{
		GotConn:              func(i httptrace.GotConnInfo) { x.reused.Store(i.Reused) },
		GotFirstResponseByte: func() { x.answered.Store(true) },
		Got1xxResponse:       x.inform,
	})
	resp, err := p.http.RoundTrip(r.WithContext(ctx))
	x.end()
	if err == nil {
		return resp, nil
	}
	if r.Context().Err() != nil {
		return nil, context.Cause(r.Context())
	}
	if x.reused.Load() {
		// The others are of the same age: let the next attempt dial.
		p.http.CloseIdleConnections()
	}
	return nil, sorted(err, x)
}

// exchange is what is seen of one round trip.
type exchange struct {
	reused, answered atomic.Bool
	informational    func(int, http.Header)

	mu    sync.Mutex
	ended bool
}

// inform passes a 1xx response on, unless the round trip is over: it is called
// from the connection's own goroutine.
func (x *exchange) inform(code int, header textproto.MIMEHeader) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if !x.ended && x.informational != nil {
		x.informational(code, http.Header(header))
	}
	return nil
}

func (x *exchange) end() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.ended = true
}
