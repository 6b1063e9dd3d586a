package proxy

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// Files of the peers' certificate, of the kind that Causeway's own is: ECDSA
// on P-256.
const (
	certFile = "peers.crt"
	keyFile  = "peers.key"
	bothFile = "peers.pem" // HAProxy wants both in one
)

// makeCertificate writes the certificate of all peers and returns the pool
// that trusts it.
func (b *bench) makeCertificate() (*x509.CertPool, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "bench"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(7 * 24 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA:        true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	keyText, err := encodeKey(key)
	if err != nil {
		return nil, err
	}
	for name, text := range map[string][]byte{certFile: certificate, keyFile: keyText, bothFile: append(certificate, keyText...)} {
		if err := os.WriteFile(filepath.Join(b.Dir, name), text, 0o600); err != nil {
			return nil, err
		}
	}
	return pool(certificate)
}

func encodeKey(key *ecdsa.PrivateKey) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

// pool trusts certificates in PEM.
func pool(certificates []byte) (*x509.CertPool, error) {
	p := x509.NewCertPool()
	if !p.AppendCertsFromPEM(certificates) {
		return nil, errors.New("read certificates: there are none")
	}
	return p, nil
}
