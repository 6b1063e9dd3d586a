package localproxy

import (
	"context"
	"net/http"
)

// applicationKey is the context key of the Authorization header that belongs to
// the application behind a service and not to the API server.
type applicationKey struct{}

// forApplication returns a context in which the credential for the API server
// travels as Proxy-Authorization, and the values as Authorization.
func forApplication(ctx context.Context, values []string) context.Context {
	return context.WithValue(ctx, applicationKey{}, values)
}

// splitCredential wraps the innermost transport: what stands in Authorization
// there was put in by client-go.
func splitCredential(next http.RoundTripper) http.RoundTripper {
	return roundTripFunc(func(r *http.Request) (*http.Response, error) {
		values, ok := r.Context().Value(applicationKey{}).([]string)
		if !ok {
			return next.RoundTrip(r)
		}
		r = r.Clone(r.Context())
		if ours := r.Header["Authorization"]; len(ours) > 0 {
			r.Header["Proxy-Authorization"] = ours
		}
		delete(r.Header, "Authorization")
		if len(values) > 0 {
			r.Header["Authorization"] = values
		}
		return next.RoundTrip(r)
	})
}

type roundTripFunc func(*http.Request) (*http.Response, error)

func (f roundTripFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
