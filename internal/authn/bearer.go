package authn

import (
	"net/http"
	"strings"

	"k8s.io/apiserver/pkg/authentication/authenticator"
)

// spacedBearer allows any number of spaces before a bearer token, as RFC 9110,
// section 11.4 does and the library does not: commands that cut a token out of
// the output of `kubectl describe secret` leave them there.
type spacedBearer struct{ next authenticator.Request }

// AuthenticateRequest has next see the header with one space.
func (b spacedBearer) AuthenticateRequest(req *http.Request) (*authenticator.Response, bool, error) {
	if scheme, token, found := strings.Cut(req.Header.Get("Authorization"), "  "); found && strings.EqualFold(scheme, "Bearer") {
		req.Header.Set("Authorization", scheme+" "+strings.TrimLeft(token, " "))
	}
	return b.next.AuthenticateRequest(req)
}
