package authn

import (
	"crypto/sha256"
	"crypto/x509"
	"net/http"
	"time"

	"k8s.io/apimachinery/pkg/util/cache"
	"k8s.io/apiserver/pkg/authentication/authenticator"
	x509request "k8s.io/apiserver/pkg/authentication/request/x509"
	"k8s.io/apiserver/pkg/server/dynamiccertificates"
)

const (
	// certShards and certsPerShard bound the verified chains that are remembered.
	// The shards are there so that requests do not meet at one lock.
	certShards    = 16
	certsPerShard = 256
	// certGood is how long a verified chain is taken without verifying again.
	certGood = time.Minute
)

// clientCert verifies client certificates with k8s.io/apiserver and remembers
// chains that were good: verifying takes a tenth of a millisecond, which every
// request on a connection would pay again. TLS has proved already that the
// client holds the key.
type clientCert struct {
	roots  func() (x509.VerifyOptions, bool)
	verify authenticator.Request
	shards [certShards]*cache.LRUExpireCache
}

// chain is a verified chain: who it is, under which roots.
type chain struct {
	response *authenticator.Response
	roots    *x509.CertPool
}

func newClientCert(ca dynamiccertificates.CAContentProvider) *clientCert {
	c := &clientCert{
		roots:  ca.VerifyOptions,
		verify: x509request.NewDynamic(ca.VerifyOptions, x509request.CommonNameUserConversion),
	}
	for i := range c.shards {
		c.shards[i] = cache.NewLRUExpireCache(certsPerShard)
	}
	return c
}

// AuthenticateRequest has no opinion on a connection without a certificate.
func (c *clientCert) AuthenticateRequest(req *http.Request) (*authenticator.Response, bool, error) {
	if req.TLS == nil || len(req.TLS.PeerCertificates) == 0 {
		return nil, false, nil
	}
	options, ok := c.roots()
	if !ok {
		return nil, false, nil
	}
	sum := digest(req.TLS.PeerCertificates)
	shard := c.shards[sum[0]%certShards]
	if found, ok := shard.Get(sum); ok && found.(chain).roots == options.Roots {
		return found.(chain).response, true, nil
	}
	response, ok, err := c.verify.AuthenticateRequest(req)
	if ok && err == nil {
		ends := time.Until(req.TLS.PeerCertificates[0].NotAfter)
		shard.Add(sum, chain{response, options.Roots}, min(certGood, ends))
	}
	return response, ok, err
}

func digest(certs []*x509.Certificate) [sha256.Size]byte {
	if len(certs) == 1 {
		return sha256.Sum256(certs[0].Raw)
	}
	hash := sha256.New()
	for _, cert := range certs {
		hash.Write(cert.Raw) // DER says its own length: no two lists read alike
	}
	return [sha256.Size]byte(hash.Sum(nil))
}
