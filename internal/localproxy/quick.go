package localproxy

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"

	"github.com/causeway-access/causeway/internal/conn"
	"github.com/causeway-access/causeway/internal/route"
	"github.com/causeway-access/causeway/internal/transport"
)

// quick is an http.RoundTripper over HTTP/1.1 connections of our own, for what
// is soon over: a request costs it a fraction of what a stream of HTTP/2 costs,
// and no other request waits for the same connection. It is for requests
// without a body: many servers stop to read one as soon as they answer, unless
// it comes over HTTP/2.
type quick struct {
	transport *transport.Transport
	hop       transport.Hop
}

// newQuick returns one for an API server. It shows and demands what the TLS
// configuration says.
func newQuick(u *url.URL, dial conn.DialFunc, config *tls.Config) (*quick, error) {
	port, err := strconv.ParseUint(portOf(u), 10, 16)
	if err != nil {
		return nil, fmt.Errorf("the port of %q: %w", u, err)
	}
	q := &quick{hop: transport.Hop{
		Endpoint: route.Endpoint{Host: u.Hostname(), Addr: netip.AddrPortFrom(netip.Addr{}, uint16(port))},
		Scheme:   u.Scheme,
	}}
	address := net.JoinHostPort(u.Hostname(), portOf(u))
	cfg := transport.Config{
		DialTimeout: dialTime,
		Connect:     func(ctx context.Context, _ route.Endpoint) (net.Conn, error) { return dial(ctx, "tcp", address) },
	}
	if u.Scheme == route.SchemeHTTPS {
		config = config.Clone()
		config.NextProtos = []string{"http/1.1"}
		cfg.TLS = func() *tls.Config { return config }
	}
	q.transport = transport.New(cfg)
	return q, nil
}

func portOf(u *url.URL) string {
	switch {
	case u.Port() != "":
		return u.Port()
	case u.Scheme == route.SchemeHTTPS:
		return "443"
	}
	return "80"
}

// RoundTrip sends the request, which has no body. One that a kept connection
// has lost is sent again on another, if not a byte of it was sent or it may be
// sent twice.
func (q *quick) RoundTrip(r *http.Request) (*http.Response, error) {
	for {
		resp, err := q.once(r)
		lost := (*transport.LostError)(nil)
		if !errors.As(err, &lost) || !lost.Reused || !lost.Unsent && !transport.Idempotent(r.Method) || r.Context().Err() != nil {
			return resp, err
		}
	}
}

func (q *quick) once(r *http.Request) (*http.Response, error) {
	request := transport.Request{
		Method: r.Method, Path: r.URL.RequestURI(), // the query with it, even an empty one
		Host: cmp.Or(r.Host, r.URL.Host), Header: r.Header, Repeatable: transport.Idempotent(r.Method),
	}
	if before, ok := r.Context().Value(forerunnerKey{}).(*forerunner); ok {
		request.Early = before
	}
	var from transport.Response
	if err := q.transport.RoundTrip(r.Context(), q.hop, &request, &from); err != nil {
		return nil, err
	}
	return answer(r, &from), nil
}

// answer is the response as net/http would have it.
func answer(r *http.Request, from *transport.Response) *http.Response {
	resp := &http.Response{
		Status: strconv.Itoa(from.Status) + " " + http.StatusText(from.Status), StatusCode: from.Status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: make(http.Header), ContentLength: from.Length, Trailer: from.Trailer,
		Body: http.NoBody, Request: r,
	}
	from.CopyHeader(resp.Header, "")
	if from.Length == 0 || r.Method == http.MethodHead {
		_ = from.Close() // there is nothing to read
		return resp
	}
	resp.Body = struct {
		io.Reader
		io.Closer
	}{from, from}
	return resp
}

// unsent reports whether the server cannot have seen anything of a request that
// quick has failed to make.
func unsent(err error) bool {
	var dial *transport.DialError
	var invalid *transport.InvalidError
	var lost *transport.LostError
	return errors.As(err, &dial) || errors.As(err, &invalid) || errors.As(err, &lost) && lost.Unsent
}
