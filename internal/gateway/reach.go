package gateway

import (
	"errors"
	"net/http"
	"strings"

	"github.com/causeway-access/causeway/internal/endpoint"
	"github.com/causeway-access/causeway/internal/fault"
	"github.com/causeway-access/causeway/internal/observe"
	"github.com/causeway-access/causeway/internal/route"
	"github.com/causeway-access/causeway/internal/transport"
)

// retries bounds the attempts beyond the first.
const retries = 3

// reach picks an endpoint and forwards the request to it until one answers.
// This is the only place where anything is tried again. The lease is the
// answer's: it is to be ended with it.
func (g *Gateway) reach(out *outgoing, b *route.Backend, line *observe.Line) (*answer, endpoint.Lease, error) {
	tried := out.tried[:0]
	var failure error
	for n := range retries + 1 {
		lease, ok := g.picker.Pick(b, endpoint.Ask{Client: out.client, Tried: tried, Repeatable: out.request.Repeatable})
		if !ok {
			break
		}
		line.Retries, line.Backend = n, lease.Endpoint.String()
		failure = g.forward(out, lease.Endpoint)
		if failure == nil {
			lease.Reached()
			return &out.answer, lease, nil
		}
		again, elsewhere := verdict(failure, out, &lease)
		if !again {
			break
		}
		if elsewhere {
			tried = append(tried, lease.Endpoint)
		}
	}
	return nil, endpoint.Lease{}, unreachable(failure, out)
}

// forward makes one attempt. The answer is in out if there is one.
func (g *Gateway) forward(out *outgoing, e route.Endpoint) error {
	attempt := out.attempt()
	err := g.transport.RoundTrip(out.ctx, out.hop(e), &out.request, &out.answer.from)
	if err == nil && out.upgrade != "" {
		err = out.answer.upgraded(out.upgrade)
	}
	if err != nil {
		attempt.end()
		return err
	}
	out.answer.begin()
	return nil
}

// verdict ends a lease after a failure. It says whether to try again, and
// whether at another endpoint, and lets the picker know of endpoints that
// cannot be reached.
func verdict(err error, out *outgoing, lease *endpoint.Lease) (again, elsewhere bool) {
	var dial *transport.DialError
	var lost *transport.LostError
	var denied *transport.DeniedError
	if errors.As(err, &denied) {
		lease.Unused()
		return false, false
	}
	defer lease.Done()
	switch {
	case out.ctx.Err() != nil:
		return false, false
	case errors.As(err, &dial): // nothing was sent, whatever the method
		lease.Failed()
		return true, true
	case errors.As(err, &lost):
		// A connection that was kept too long says nothing of its endpoint.
		return lost.Unsent || out.repeatable(), lost.Frozen || !lost.Reused
	default:
		return false, false
	}
}

// unreachable makes the client's error of the last attempt's.
func unreachable(err error, out *outgoing) error {
	const op = "gateway.reach"
	var denied *transport.DeniedError
	var bad *transport.BadError
	var invalid *transport.InvalidError
	switch {
	case err == nil:
		return fault.New(fault.Unavailable, op, "no endpoints available")
	case out.ctx.Err() != nil:
		return fault.Wrap(fault.Canceled, op, "the client closed the request", err)
	case out.body.failure() != nil:
		return fault.Wrap(fault.BadRequest, op, "error reading the request's body: "+out.body.failure().Error(), err)
	case errors.As(err, &denied):
		return fault.Wrap(fault.BadRequest, op, "address not allowed", err)
	case errors.As(err, &invalid):
		return fault.Wrap(fault.BadRequest, op, "the request cannot be passed on", err)
	case errors.As(err, &bad):
		return fault.Wrap(fault.BadGateway, op, "error trying to reach service: "+err.Error(), err)
	default:
		return fault.Wrap(fault.Unavailable, op, "error trying to reach service: "+err.Error(), err)
	}
}

// addSlash answers a bare target with itself and a slash. The reference is
// relative, so that it holds behind another prefix too.
func addSlash(w http.ResponseWriter, r *http.Request, t *route.Target) error {
	last := t.Prefix[strings.LastIndexByte(t.Prefix, '/')+1:]
	location := last + "/"
	if t.Legacy { // a segment with a colon would be read as a scheme
		location = "./" + location
	}
	if t.Query != "" || r.URL.ForceQuery {
		location += "?" + t.Query
	}
	w.Header().Set("Location", location)
	w.WriteHeader(http.StatusMovedPermanently)
	return nil
}
