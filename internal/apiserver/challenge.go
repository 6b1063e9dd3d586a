package apiserver

import (
	"net/http"

	"k8s.io/apiserver/pkg/endpoints/responsewriter"
)

// withChallenge adds WWW-Authenticate to every 401 of next, so that browsers
// ask for user and password. The library's own handler of failed requests
// cannot be given one.
func withChallenge(challenge string, next http.Handler) http.Handler {
	if challenge == "" {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(responsewriter.WrapForHTTP1Or2(&challenger{ResponseWriter: w, challenge: challenge}), r)
	})
}

// challenger is a [responsewriter.UserProvidedDecorator].
type challenger struct {
	http.ResponseWriter
	challenge string
}

var _ responsewriter.UserProvidedDecorator = &challenger{}

// Unwrap implements [responsewriter.UserProvidedDecorator].
func (c *challenger) Unwrap() http.ResponseWriter { return c.ResponseWriter }

// WriteHeader implements [http.ResponseWriter].
func (c *challenger) WriteHeader(status int) {
	if status == http.StatusUnauthorized {
		c.Header().Set("WWW-Authenticate", c.challenge)
	}
	c.ResponseWriter.WriteHeader(status)
}
