package gateway

import (
	"cmp"
	"context"
	"net/http"
	"net/netip"

	"github.com/causeway-access/causeway/internal/rewrite"
	"github.com/causeway-access/causeway/internal/route"
	"github.com/causeway-access/causeway/internal/transport"
)

// outgoing is a request made ready for whichever endpoint will take it, and
// the answer, when one has come.
type outgoing struct {
	ctx     context.Context
	request transport.Request
	body    *body
	client  netip.Addr
	scheme  string
	trust   route.Trust
	upgrade string
	place   rewrite.Origin // where the client sees the target
	tried   [retries + 1]route.Endpoint
	answer  answer
}

// outgoing rewrites the request. It takes over the headers of r.
func (g *Gateway) outgoing(w *reply, r *http.Request, t *route.Target, b *route.Backend, upgrade string) *outgoing {
	place := placeOf(r, t)
	rewrite.Request(r.Header, place, g.cfg.SessionCookie)
	out := &w.out
	*out = outgoing{
		ctx: r.Context(), body: w.body, client: client(r),
		scheme: scheme(t, b), trust: b.Trust, upgrade: upgrade, place: place,
	}
	out.request = transport.Request{
		Method: r.Method, Path: cmp.Or(t.Path, "/"), Query: t.Query, ForceQuery: r.URL.ForceQuery, Host: place.Host,
		Header: r.Header, Length: r.ContentLength, Trailer: r.Trailer,
		Upgrade: upgrade != "", Repeatable: r.ContentLength == 0 && transport.Idempotent(r.Method), Early: w,
	}
	out.answer.Request = r
	if upgrade != "" {
		r.Header["Connection"] = []string{"Upgrade"}
		r.Header["Upgrade"] = []string{upgrade}
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

// attempt makes the request's body ready for one more attempt.
func (o *outgoing) attempt() *attempt {
	if o.request.Length == 0 {
		return nil
	}
	a := o.body.attempt()
	o.request.Body = a
	return a
}

// repeatable reports whether the request may be sent again after it may have
// been received: nothing of its body is lost, or it has none and its method
// says that twice is as good as once. One with a body that nobody has read was
// not received whole.
func (o *outgoing) repeatable() bool {
	if o.request.Length != 0 {
		return o.body.again()
	}
	return transport.Idempotent(o.request.Method)
}
