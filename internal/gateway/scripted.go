package gateway

import (
	"net/http"
	"strings"

	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	apirequest "k8s.io/apiserver/pkg/endpoints/request"

	"github.com/causeway-access/causeway/internal/fault"
)

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

// refuseScripted answers a page that calls the API. Nobody behind the gateway
// hears of the request, so its audit event is written here, with the name of
// him whose credential the page would have used.
func (g *Gateway) refuseScripted(w http.ResponseWriter, r *http.Request) {
	path, query, _ := strings.Cut(uri(r), "?")
	line := open(r, path, query)
	mode := r.Header.Get("Sec-Fetch-Mode")
	attributes := askedOfAPI(r)
	if resp, ok, err := g.cfg.Authenticator.AuthenticateRequest(r); ok && err == nil {
		line.User, attributes.User = resp.User, resp.User
	}
	line.Attributes, line.Decision, line.Status = attributes, "forbid", http.StatusForbidden
	w.Header().Set("Audit-Id", line.ID)
	g.writeStatus(w, r, fault.New(fault.Forbidden, "gateway.pass",
		"a page in a browser may not call the API with the browser's own credentials (Sec-Fetch-Mode: "+mode+"); use a token"))
	g.observer.Refused(line)
}

// askedOfAPI is what a request asks of the API, as API servers read its URL.
func askedOfAPI(r *http.Request) *authorizer.AttributesRecord {
	paths := apirequest.RequestInfoFactory{APIPrefixes: sets.NewString("api", "apis"), GrouplessAPIPrefixes: sets.NewString("api")}
	info, err := paths.NewRequestInfo(r)
	if err != nil { // it is about no object
		info = &apirequest.RequestInfo{Verb: strings.ToLower(r.Method), Path: r.URL.Path}
	}
	return &authorizer.AttributesRecord{
		Verb: info.Verb, Namespace: info.Namespace, APIGroup: info.APIGroup, APIVersion: info.APIVersion,
		Resource: info.Resource, Subresource: info.Subresource, Name: info.Name,
		ResourceRequest: info.IsResourceRequest, Path: info.Path,
	}
}
