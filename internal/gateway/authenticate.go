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

// scripted reports whether a browser makes the request for a page, with
// credentials that it adds by itself, and no person has asked for it by the
// address bar or a link. Pages of applications are served under the API's own
// origin, so a browser's same-origin policy does not keep them from the API;
// this does. Requests to applications are theirs. It is stricter than to refuse all
// but navigation: a frame is navigated to and read by the page around it, a form
// is sent by a page, and a client certificate is added like a password.
func (g *Gateway) scripted(r *http.Request) bool {
	if !g.ambient(r) {
		return false
	}
	dest := r.Header.Get("Sec-Fetch-Dest")
	return r.Header.Get("Sec-Fetch-Mode") != "navigate" || dest != "" && dest != "document" || !safe(r.Method)
}

// ambient reports whether the request is a browser's and carries a credential
// that browsers add by themselves.
func (g *Gateway) ambient(r *http.Request) bool {
	if r.Header.Get("Sec-Fetch-Mode") == "" {
		return false // not a browser
	}
	scheme, _, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if strings.EqualFold(scheme, "basic") {
		return true
	}
	if scheme != "" {
		return false // a script that knows a token got it from a person
	}
	if r.TLS != nil && len(r.TLS.PeerCertificates) > 0 {
		return true
	}
	if g.cfg.SessionCookie == "" {
		return false
	}
	_, err := r.Cookie(g.cfg.SessionCookie)
	return err == nil
}

// isolate keeps the answer from the pages of applications, which have the same
// origin: one may open a window on the API's path, as a person would, and read
// what it shows. In a sandbox the answer has an origin of its own.
func isolate(h http.Header) {
	h.Set("Content-Security-Policy", "sandbox")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
}
