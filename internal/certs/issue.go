package certs

import (
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"net"
	"time"
)

// LeafLife is the validity of a leaf that does not ask for another.
const LeafLife = 365 * 24 * time.Hour

// Leaf describes a certificate to issue.
type Leaf struct {
	// CommonName is the user of a client certificate.
	CommonName string
	// Organizations are the groups of a client certificate.
	Organizations []string
	// DNSNames and IPs are what a server certificate is valid for.
	DNSNames []string
	IPs      []net.IP
	// Client and Server say what it may be used for; at least one is needed.
	Client, Server bool
	// Validity is LeafLife if zero, and never longer than the authority's.
	Validity time.Duration
}

// Issue makes a new key and its certificate, both as PEM.
func (a *Authority) Issue(leaf Leaf) (certPEM, keyPEM []byte, err error) {
	key, err := newKey()
	if err != nil {
		return nil, nil, fmt.Errorf("issuing a certificate for %q: %w", leaf.CommonName, err)
	}
	certPEM, err = a.issueFor(leaf, key.Public())
	if err != nil {
		return nil, nil, fmt.Errorf("issuing a certificate for %q: %w", leaf.CommonName, err)
	}
	keyPEM, err = encodeKey(key)
	if err != nil {
		return nil, nil, fmt.Errorf("issuing a certificate for %q: %w", leaf.CommonName, err)
	}
	return certPEM, keyPEM, nil
}

func (a *Authority) issueFor(leaf Leaf, public crypto.PublicKey) ([]byte, error) {
	now := time.Now()
	if err := checkTime(a.certFile, a.cert, now); err != nil {
		return nil, err
	}
	usages := leaf.extKeyUsages()
	if len(usages) == 0 {
		return nil, errors.New("a certificate is for a client, a server or both; neither was asked for")
	}
	serial, err := newSerial()
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber:          serial,
		Subject:               pkix.Name{CommonName: leaf.CommonName, Organization: leaf.Organizations},
		DNSNames:              leaf.DNSNames,
		IPAddresses:           leaf.IPs,
		NotBefore:             now.Add(-skew),
		NotAfter:              a.end(now, leaf.Validity),
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           usages,
		BasicConstraintsValid: true,
	}
	if template.NotBefore.Before(a.cert.NotBefore) {
		template.NotBefore = a.cert.NotBefore
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, public, a.key)
	if err != nil {
		return nil, err
	}
	return EncodeCert(der), nil
}

// end keeps a leaf inside the life of the authority: what outlives its
// authority is refused by every verifier anyway.
func (a *Authority) end(now time.Time, validity time.Duration) time.Time {
	if validity <= 0 {
		validity = LeafLife
	}
	end := now.Add(validity)
	if end.After(a.cert.NotAfter) {
		return a.cert.NotAfter
	}
	return end
}

func (l Leaf) extKeyUsages() []x509.ExtKeyUsage {
	var usages []x509.ExtKeyUsage
	if l.Server {
		usages = append(usages, x509.ExtKeyUsageServerAuth)
	}
	if l.Client {
		usages = append(usages, x509.ExtKeyUsageClientAuth)
	}
	return usages
}
