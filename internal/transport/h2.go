package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/causeway-access/causeway/internal/route"
)

const (
	// expectTime is how long a backend may take to say whether it wants the
	// body of a request with Expect: 100-continue. Many never say.
	expectTime = 250 * time.Millisecond
	// pingAfter and pingTime find HTTP/2 connections that died in silence.
	pingAfter = 15 * time.Second
	pingTime  = 15 * time.Second
)

// h2 speaks HTTP/2 to one hop, by net/http's client.
type h2 struct {
	pool   *pool
	client atomic.Pointer[http.Transport]
	// first is the connection on which it was agreed on, for the first dial.
	first chan net.Conn
}

// newH2 returns a client that begins with a connection, if there is one.
func newH2(p *pool, first net.Conn) *h2 {
	h := &h2{pool: p, first: make(chan net.Conn, 1)}
	if first != nil {
		h.first <- first
	}
	h.client.Store(h.newClient())
	return h
}

func (h *h2) newClient() *http.Transport {
	var spoken http.Protocols
	if h.pool.hop.Scheme == route.SchemeH2C {
		spoken.SetUnencryptedHTTP2(true)
	} else {
		spoken.SetHTTP1(true) // it may change its mind
		spoken.SetHTTP2(true)
	}
	return &http.Transport{
		DialContext:           func(ctx context.Context, _, _ string) (net.Conn, error) { return h.pool.dial(ctx, nil) },
		DialTLSContext:        func(ctx context.Context, _, _ string) (net.Conn, error) { return h.dialTLS(ctx) },
		Protocols:             &spoken,
		HTTP2:                 &http.HTTP2Config{SendPingTimeout: pingAfter, PingTimeout: pingTime},
		DisableCompression:    true, // a compressed body goes through as it is
		MaxIdleConnsPerHost:   idlePerEndpoint,
		IdleConnTimeout:       idleTime,
		ExpectContinueTimeout: expectTime,
		WriteBufferSize:       largeBuffer,
		ReadBufferSize:        largeBuffer,

		MaxResponseHeaderBytes: maxHead,
	}
}

func (h *h2) dialTLS(ctx context.Context) (net.Conn, error) {
	select {
	case c := <-h.first:
		return c, nil
	default:
	}
	c, err := h.pool.dial(ctx, protocols)
	if err == nil && c.(*tls.Conn).ConnectionState().NegotiatedProtocol != "h2" {
		h.pool.h2.CompareAndSwap(h, nil) // the next request finds out again
	}
	return c, err
}

func (h *h2) closeIdle() {
	select {
	case c := <-h.first:
		c.Close()
	default:
	}
	h.client.Load().CloseIdleConnections()
}

// renew begins with new connections, and leaves the old ones to the exchanges
// on them.
func (h *h2) renew() {
	go h.client.Swap(h.newClient()).CloseIdleConnections()
}

// roundTrip makes the exchange and sorts its error.
func (h *h2) roundTrip(ctx context.Context, r *Request, into *Response) error {
	x := &seen{early: r.Early}
	ctx, cancel := context.WithCancelCause(ctx)
	w := &wait{cancel: cancel, keep: !r.Repeatable}
	h.pool.enlist(w)
	resp, err := h.client.Load().RoundTrip(r.standard(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn:              func(i httptrace.GotConnInfo) { x.reused.Store(i.Reused) },
		GotFirstResponseByte: func() { x.answered.Store(true) },
		Got1xxResponse:       x.inform,
	}), h.pool.hop))
	h.pool.delist(w)
	x.end()
	if err != nil {
		err = x.sorted(ctx, err)
		cancel(nil)
		return err
	}
	into.foreign(resp, cancel)
	return nil
}

// standard makes net/http's request of r.
func (r *Request) standard(ctx context.Context, h Hop) *http.Request {
	u := &url.URL{Scheme: "http", Host: h.Endpoint.String(), RawQuery: r.Query, ForceQuery: r.ForceQuery}
	if h.Scheme == route.SchemeHTTPS {
		u.Scheme = "https"
	}
	SetPath(u, r.Path)
	header := r.Header
	if header == nil {
		header = make(http.Header)
	}
	out := &http.Request{
		Method: r.Method, URL: u, Host: r.Host, Header: header, ContentLength: r.Length, Trailer: r.Trailer,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}
	if r.Length != 0 {
		out.Body = io.NopCloser(r.Body)
	}
	return out.WithContext(ctx)
}

// SetPath has net/http's client write a path byte for byte. A URL's opaque part
// is written so, except that one which begins with two slashes would be taken
// for a host.
func SetPath(u *url.URL, path string) {
	if u.Opaque = path; !strings.HasPrefix(path, "//") {
		return
	}
	u.Opaque, u.RawPath, u.Path = "", path, path
	if decoded, err := url.PathUnescape(path); err == nil {
		u.Path = decoded
	}
}

// seen is what is seen of one round trip.
type seen struct {
	reused, answered atomic.Bool

	mu    sync.Mutex
	early Early
}

// inform passes a 1xx response on, unless the round trip is over: it is called
// from the connection's own goroutine.
func (x *seen) inform(code int, header textproto.MIMEHeader) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.early != nil {
		x.early.Inform(code, http.Header(header))
	}
	return nil
}

func (x *seen) end() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.early = nil
}

// sorted tells the kinds of failure apart.
func (x *seen) sorted(ctx context.Context, err error) error {
	var dial *DialError
	switch {
	case errors.As(err, &dial):
		return dial
	case context.Cause(ctx) == errFrozen: //nolint:errorlint // Abandon's very value
		return &LostError{Frozen: true, Err: errFrozen}
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case x.answered.Load():
		return &BadError{Err: err}
	default:
		return &LostError{Reused: x.reused.Load(), Err: err}
	}
}
