package authz

import (
	"context"
	"net/http"
	"strings"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/apiserver/pkg/endpoints/filters/impersonation"
	"k8s.io/apiserver/pkg/endpoints/request"
)

// Impersonate answers the Impersonate-* headers of a request that u sent. It
// returns as whom to go on, and removes the headers; or it has answered the
// client with the reason why not, and returns false. Without such headers it
// returns u.
type Impersonate func(w http.ResponseWriter, r *http.Request, u user.Info) (user.Info, bool)

// Impersonator wraps the filter of the generic API server, which comes as an
// http.Handler, into a function that the access path can call. A request whose
// context holds a RequestInfo may also be judged by constrained impersonation
// (KEP-5284), which looks at what is being asked; one without is judged by the
// verb impersonate alone.
func Impersonator(a authorizer.UnconditionalAuthorizer, codecs runtime.NegotiatedSerializer) Impersonate {
	passed := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if out, ok := r.Context().Value(passedKey{}).(*user.Info); ok {
			*out, _ = request.UserFrom(r.Context())
		}
	})
	classic := impersonation.WithImpersonation(passed, a, codecs)
	constrained := impersonation.WithConstrainedImpersonation(passed, a, codecs)
	return func(w http.ResponseWriter, r *http.Request, u user.Info) (user.Info, bool) {
		if !asksToImpersonate(r.Header) {
			return u, true
		}
		filter := classic
		if _, ok := request.RequestInfoFrom(r.Context()); ok {
			filter = constrained
		}
		var as user.Info
		ctx := context.WithValue(request.WithUser(r.Context(), u), passedKey{}, &as)
		filter.ServeHTTP(w, r.WithContext(ctx))
		return as, as != nil
	}
}

// passedKey is where the filter's end puts the user.
type passedKey struct{}

func asksToImpersonate(header http.Header) bool {
	for name := range header {
		if strings.HasPrefix(name, "Impersonate-") {
			return true
		}
	}
	return false
}
