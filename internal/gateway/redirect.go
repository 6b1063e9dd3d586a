package gateway

import (
	"net/http"
	"strings"

	"github.com/causeway-access/causeway/internal/endpoint"
	"github.com/causeway-access/causeway/internal/fault"
	"github.com/causeway-access/causeway/internal/observe"
	"github.com/causeway-access/causeway/internal/route"
)

// redirect answers with the address of an endpoint, picked anew each time.
// Nothing but the port is appended to the address unless the URL has more: the
// clients of 2015 took the header for it.
func (g *Gateway) redirect(w *reply, r *http.Request, t *route.Target, b *route.Backend, line *observe.Line) error {
	if !safe(r.Method) {
		return fault.New(fault.MethodNotAllowed, "gateway.redirect", "the server does not allow this method on the requested resource")
	}
	lease, ok := g.picker.Pick(b, endpoint.Ask{Client: client(r), Blind: true})
	if !ok {
		return fault.New(fault.Unavailable, "gateway.redirect", "no endpoints available")
	}
	defer lease.Unused()
	line.Backend = lease.Endpoint.String()
	s := route.SchemeHTTP
	if scheme(t, b) == route.SchemeHTTPS {
		s = route.SchemeHTTPS
	}
	w.Header().Set("Location", s+"://"+line.Backend+suffix(t))
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Content-Length", "0")
	w.WriteHeader(http.StatusTemporaryRedirect)
	return nil
}

// suffix returns path and query as they are appended to an address.
func suffix(t *route.Target) string {
	path := t.Path
	if path == "/" && t.Query == "" {
		path = ""
	}
	if t.Query == "" {
		return path
	}
	if !strings.HasPrefix(path, "/") {
		path = "/" + path
	}
	return path + "?" + t.Query
}
