package gateway

import (
	"cmp"
	"context"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/causeway-access/causeway/internal/rewrite"
	"github.com/causeway-access/causeway/internal/route"
	"github.com/causeway-access/causeway/internal/transport"
)

// outgoing is a request made ready for whichever endpoint will take it.
type outgoing struct {
	ctx     context.Context
	method  string
	path    string // raw, beginning with a slash
	query   string // raw
	host    string
	header  http.Header
	length  int64
	trailer http.Header
	body    *body
	client  netip.Addr
	scheme  string
	trust   route.Trust
	upgrade string
	inform  func(code int, header http.Header)
}

// outgoing rewrites the request. It takes over the headers of r.
func (g *Gateway) outgoing(w *reply, r *http.Request, t *route.Target, b *route.Backend, upgrade string) *outgoing {
	rewrite.Request(r.Header, rewrite.Origin{
		Client: remoteHost(r),
		Host:   r.Host,
		Proto:  proto(r),
		URI:    uri(r),
		Prefix: t.Prefix,
	}, g.cfg.SessionCookie)
	out := &outgoing{
		ctx: r.Context(), method: r.Method, path: cmp.Or(t.Path, "/"), query: t.Query, host: r.Host,
		header: r.Header, length: r.ContentLength, trailer: r.Trailer, body: w.body, client: client(r),
		scheme: scheme(t, b), trust: b.Trust, upgrade: upgrade, inform: w.inform,
	}
	if upgrade != "" {
		out.header["Connection"] = []string{"Upgrade"}
		out.header["Upgrade"] = []string{upgrade}
	}
	return out
}

// scheme returns how the backend is spoken to: as the URL says, else as the
// port says. A kubelet speaks TLS and nothing else.
func scheme(t *route.Target, b *route.Backend) string {
	if b.Trust.Node {
		return route.SchemeHTTPS
	}
	return cmp.Or(t.Scheme, b.Scheme)
}

// hop returns the way to an endpoint.
func (o *outgoing) hop(e route.Endpoint) transport.Hop {
	h := transport.Hop{Endpoint: e, Scheme: o.scheme, Trust: o.trust}
	if o.upgrade != "" && h.Scheme == route.SchemeH2C {
		h.Scheme = route.SchemeHTTP // there are no upgrades in HTTP/2
	}
	return h
}

// request makes the request of one attempt.
func (o *outgoing) request(h transport.Hop) (*http.Request, *attempt) {
	u := &url.URL{Scheme: "http", Host: h.Endpoint.String(), RawQuery: o.query}
	if h.Scheme == route.SchemeHTTPS {
		u.Scheme = "https"
	}
	o.setPath(u)
	r := &http.Request{
		Method: o.method, URL: u, Host: o.host, Header: o.header, ContentLength: o.length, Trailer: o.trailer,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}
	if o.length == 0 {
		return r.WithContext(o.ctx), nil
	}
	a := o.body.attempt()
	r.Body = a
	return r.WithContext(o.ctx), a
}

// setPath has the path written byte for byte. A URL's opaque part is, except
// that one which begins with two slashes would be taken for a host.
func (o *outgoing) setPath(u *url.URL) {
	if !strings.HasPrefix(o.path, "//") {
		u.Opaque = o.path
		return
	}
	u.RawPath = o.path
	if decoded, err := url.PathUnescape(o.path); err == nil {
		u.Path = decoded
	} else {
		u.Path = o.path
	}
}

// repeatable reports whether the request may be sent again after it may have
// been received: its body was not touched, or it has none and its method says
// that twice is as good as once (RFC 9110, section 9.2.2).
func (o *outgoing) repeatable() bool {
	if o.length != 0 {
		return !o.body.begun()
	}
	switch o.method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodPut, http.MethodDelete:
		return true
	}
	return false
}
