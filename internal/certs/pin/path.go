package pin

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"slices"
)

// path orders what a server shows: from its own certificate, which comes
// first, upwards by who signed whom.
func path(shown []*x509.Certificate) []*x509.Certificate {
	way, rest := shown[:1:1], slices.Clone(shown[1:])
	for !isRoot(way[len(way)-1]) {
		last := way[len(way)-1]
		i := slices.IndexFunc(rest, func(c *x509.Certificate) bool { return last.CheckSignatureFrom(c) == nil })
		if i < 0 {
			break
		}
		way = append(way, rest[i])
		rest = slices.Delete(rest, i, i+1)
	}
	return way
}

// isRoot reports whether a certificate is signed by itself.
func isRoot(c *x509.Certificate) bool {
	return bytes.Equal(c.RawIssuer, c.RawSubject) && c.CheckSignature(c.SignatureAlgorithm, c.RawTBSCertificate, c.Signature) == nil
}

// Top is the topmost certificate that is known of.
func (s *Shown) Top() *x509.Certificate { return s.Path[len(s.Path)-1] }

// Lasting reports whether a certificate outlives those of servers: whether it
// is an authority's. A server's own is replaced, often once a year.
func Lasting(c *x509.Certificate) bool { return c.IsCA }

// Find returns the certificate on the path that has the fingerprint, or nil.
func (s *Shown) Find(f Fingerprint) *x509.Certificate {
	if i := slices.IndexFunc(s.Path, f.matches); i >= 0 {
		return s.Path[i]
	}
	return nil
}

// Verify checks the server's certificate, its time and its name, with roots as
// the only authorities; nil are those of the system.
func (s *Shown) Verify(roots *x509.CertPool) error {
	between := x509.NewCertPool()
	for _, c := range s.Path[1:] {
		between.AddCert(c)
	}
	_, err := s.Path[0].Verify(x509.VerifyOptions{DNSName: s.Name, Roots: roots, Intermediates: between})
	return err
}

// VerifyBy is Verify with one authority.
func (s *Shown) VerifyBy(authority *x509.Certificate) error {
	roots := x509.NewCertPool()
	roots.AddCert(authority)
	return s.Verify(roots)
}

// PEM encodes a certificate for a kubeconfig.
func PEM(c *x509.Certificate) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})
}

// parsePEM reads all certificates of a bundle and skips what is none.
func parsePEM(text []byte) []*x509.Certificate {
	var all []*x509.Certificate
	for {
		var block *pem.Block
		if block, text = pem.Decode(text); block == nil {
			return all
		}
		if c, err := x509.ParseCertificate(block.Bytes); err == nil && block.Type == "CERTIFICATE" {
			all = append(all, c)
		}
	}
}
