package gateway

import (
	"net/http"
	"strings"

	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"

	"github.com/causeway-access/causeway/internal/fault"
	"github.com/causeway-access/causeway/internal/observe"
)

// authenticate returns who asks. The authenticator deletes the credential that
// it accepts; nothing else decides what of the request's credentials is the
// gateway's and what the application's.
func (g *Gateway) authenticate(r *http.Request) (user.Info, error) {
	resp, ok, err := g.cfg.Authenticator.AuthenticateRequest(r)
	if err != nil || !ok {
		return nil, fault.Wrap(fault.Unauthorized, "gateway.authenticate", "Unauthorized", err)
	}
	return resp.User, nil
}

// identify finds out who asks and whom to serve, tells the account of both, and
// returns the caller. It returns false if the request has been answered.
func (g *Gateway) identify(w *reply, r *http.Request, attributes *authorizer.AttributesRecord, line *observe.Line) (user.Info, bool, error) {
	caller, err := g.authenticate(r)
	if err != nil {
		return nil, false, err
	}
	attributes.User = caller
	served, ok := g.impersonate(w, r, caller, line)
	if ok {
		attributes.User = served
	}
	return caller, ok, nil
}

// impersonate returns the user to serve: the caller, or the one he asks to be.
// It returns false if the request has been answered.
func (g *Gateway) impersonate(w *reply, r *http.Request, caller user.Info, line *observe.Line) (user.Info, bool) {
	line.User = caller
	if !impersonates(r.Header) {
		return caller, true
	}
	if g.cfg.Impersonate == nil {
		g.answer(w, r, line, fault.New(fault.Forbidden, "gateway.impersonate", "impersonation is not enabled on this server"))
		return nil, false
	}
	u, ok := g.cfg.Impersonate(w, r, caller)
	if ok {
		line.User, line.Caller = u, caller
	}
	return u, ok
}

func impersonates(h http.Header) bool {
	for name := range h {
		if strings.HasPrefix(name, "Impersonate-") {
			return true
		}
	}
	return false
}
