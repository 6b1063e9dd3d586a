package authn

import (
	"net/http"

	"k8s.io/apiserver/pkg/authentication/authenticator"
)

// proxyAuthorization takes the credential from Proxy-Authorization (RFC 9110
// section 11.7.1) in place of Authorization, so that a client can authenticate
// here and at the application behind a service in one request. It stands before
// the others: where it succeeds, Authorization belongs to the application.
type proxyAuthorization struct{ next authenticator.Request }

// AuthenticateRequest has no opinion on a request without the header.
func (p proxyAuthorization) AuthenticateRequest(req *http.Request) (*authenticator.Response, bool, error) {
	given := req.Header.Get("Proxy-Authorization")
	if given == "" {
		return nil, false, nil
	}
	inner := req.WithContext(req.Context())
	inner.Header = http.Header{"Authorization": {given}}
	response, ok, err := p.next.AuthenticateRequest(inner)
	if ok && err == nil {
		req.Header.Del("Proxy-Authorization")
	}
	return response, ok, err
}
