package transport

import (
	"context"
	"net"

	"github.com/causeway-access/causeway/internal/route"
)

// Connect opens a bare TCP connection to an endpoint, for what is no HTTP. The
// address must pass the guard like any other. Its errors are *DialError or the
// cause of ctx; a *DeniedError is inside if the guard refused.
func (t *Transport) Connect(ctx context.Context, e route.Endpoint) (net.Conn, error) {
	limited, cancel := context.WithTimeout(ctx, t.cfg.DialTimeout)
	defer cancel()
	c, err := t.connect(limited, e)
	switch {
	case err == nil:
		return c, nil
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	}
	return nil, &DialError{err}
}
