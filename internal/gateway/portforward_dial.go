package gateway

import (
	"context"
	"errors"
	"net"
	"net/netip"

	"github.com/causeway-access/causeway/internal/endpoint"
	"github.com/causeway-access/causeway/internal/fault"
	"github.com/causeway-access/causeway/internal/route"
	"github.com/causeway-access/causeway/internal/transport"
)

// reached is a connection to a backend. Its lease is to be ended with it.
type reached struct {
	net.Conn
	lease   endpoint.Lease
	retries int
}

// connect resolves a target, picks an endpoint and dials it, and another if it
// cannot be dialled: as reach does for requests, but all that can fail here is
// the dial.
func (g *Gateway) connect(ctx context.Context, t *route.Target, client netip.Addr) (*reached, error) {
	b, err := g.cfg.Catalog.Resolve(t)
	if err != nil {
		return nil, err
	}
	var tried []route.Endpoint
	var failure error
	for n := range retries + 1 {
		lease, ok := g.picker.Pick(b, endpoint.Ask{Client: client, Tried: tried})
		if !ok {
			break
		}
		c, err := g.transport.Connect(ctx, lease.Endpoint)
		if err == nil {
			lease.Reached()
			return &reached{c, lease, n}, nil
		}
		failure = err
		if !undialled(ctx, err, &lease) {
			break
		}
		tried = append(tried, lease.Endpoint)
	}
	return nil, unconnected(ctx, failure)
}

// undialled ends a lease whose endpoint could not be dialled. It says whether
// to try another.
func undialled(ctx context.Context, err error, lease *endpoint.Lease) bool {
	var denied *transport.DeniedError
	if ctx.Err() != nil || errors.As(err, &denied) {
		lease.Unused()
		return false
	}
	lease.Failed()
	lease.Done()
	return true
}

// unconnected makes the client's error of the last attempt's.
func unconnected(ctx context.Context, err error) error {
	const op = "gateway.connect"
	var denied *transport.DeniedError
	switch {
	case err == nil:
		return fault.New(fault.Unavailable, op, "no endpoints available")
	case ctx.Err() != nil:
		return fault.Wrap(fault.Canceled, op, "the client is gone", err)
	case errors.As(err, &denied):
		return fault.Wrap(fault.BadRequest, op, "address not allowed", err)
	default:
		return fault.Wrap(fault.Unavailable, op, err.Error(), err)
	}
}
