package cli

import (
	"crypto/x509"
	"net/http"
	"sync/atomic"
	"time"

	"k8s.io/client-go/rest"

	"github.com/causeway-access/causeway/internal/certs"
)

// authority is by what a server's certificate was verified.
type authority struct {
	// Name is whose certificate it is.
	Name string `json:"name"`
	// SHA256 is the fingerprint as `causeway up` and openssl print it.
	SHA256     string    `json:"sha256"`
	ValidUntil time.Time `json:"validUntil"`
}

// noteAuthority has the clients made with config remember by what the server
// was verified. The function returns it; nil if nothing was verified.
func noteAuthority(config *rest.Config) func() *authority {
	var root atomic.Pointer[x509.Certificate]
	config.Wrap(func(next http.RoundTripper) http.RoundTripper {
		return roundTripFunc(func(r *http.Request) (*http.Response, error) {
			resp, err := next.RoundTrip(r)
			if err == nil && resp.TLS != nil && len(resp.TLS.VerifiedChains) > 0 {
				chain := resp.TLS.VerifiedChains[0]
				root.Store(chain[len(chain)-1])
			}
			return resp, err
		})
	})
	return func() *authority {
		c := root.Load()
		if c == nil {
			return nil
		}
		return &authority{Name: holderOf(c), SHA256: certs.Fingerprint(c), ValidUntil: c.NotAfter.UTC()}
	}
}

type roundTripFunc func(*http.Request) (*http.Response, error)

func (f roundTripFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
