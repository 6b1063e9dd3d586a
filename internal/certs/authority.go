package certs

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"time"

	"github.com/causeway-access/causeway/internal/privatefile"
)

const (
	// AuthorityLife is how long a new authority is valid.
	AuthorityLife = 10 * 365 * 24 * time.Hour
	// skew is subtracted from the beginning of every validity, for machines
	// whose clocks are a little behind ours.
	skew = time.Hour

	authorityCertFile = "ca.crt"
	authorityKeyFile  = "ca.key"
)

// Authority issues certificates. It is immutable and safe for concurrent use.
type Authority struct {
	cert     *x509.Certificate
	certPEM  []byte
	key      crypto.Signer
	certFile string
}

// OpenAuthority loads the authority from ca.crt and ca.key in dir, or makes a
// new one if neither is there. A key without its certificate (what a crash
// during the very first start leaves behind) gets its certificate made anew;
// every other incomplete, damaged, mismatching or out-of-time pair is an error
// and left as it is.
func OpenAuthority(dir string) (*Authority, error) {
	if err := os.MkdirAll(dir, dirMode); err != nil {
		return nil, fmt.Errorf("opening the certificate authority: %w", err)
	}
	certFile, keyFile := filepath.Join(dir, authorityCertFile), filepath.Join(dir, authorityKeyFile)
	certPEM, err := readIfThere(certFile)
	if err != nil {
		return nil, fmt.Errorf("opening the certificate authority: %w", err)
	}
	keyPEM, err := readIfThere(keyFile)
	if err != nil {
		return nil, fmt.Errorf("opening the certificate authority: %w", err)
	}
	switch {
	case keyPEM == nil && certPEM != nil:
		return nil, fmt.Errorf("opening the certificate authority: %s is there but %s is missing: restore the key from a backup, or move the certificate away to begin a new authority (every client then needs the new one)", certFile, keyFile)
	case keyPEM == nil:
		if keyPEM, err = createAuthorityKey(keyFile); err != nil {
			return nil, err
		}
		fallthrough
	case certPEM == nil:
		if certPEM, err = createAuthorityCert(certFile, keyPEM); err != nil {
			return nil, err
		}
	}
	return loadAuthority(certFile, certPEM, keyFile, keyPEM)
}

func createAuthorityKey(file string) ([]byte, error) {
	key, err := newKey()
	if err != nil {
		return nil, fmt.Errorf("making the authority's key: %w", err)
	}
	text, err := encodeKey(key)
	if err != nil {
		return nil, fmt.Errorf("making the authority's key: %w", err)
	}
	return text, privatefile.Write(file, text)
}

func createAuthorityCert(file string, keyPEM []byte) ([]byte, error) {
	key, err := parseKey(keyPEM)
	if err != nil {
		return nil, fmt.Errorf("making the authority's certificate %s: %w", file, err)
	}
	serial, err := newSerial()
	if err != nil {
		return nil, err
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: serial,
		// The name differs between authorities, so that a client which still
		// trusts an earlier one says "unknown authority", not "bad signature".
		Subject:               pkix.Name{CommonName: fmt.Sprintf("causeway-ca@%d", now.Unix())},
		NotBefore:             now.Add(-skew),
		NotAfter:              now.Add(AuthorityLife),
		IsCA:                  true,
		BasicConstraintsValid: true,
		MaxPathLenZero:        true,
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("making the authority's certificate %s: %w", file, err)
	}
	text := EncodeCert(der)
	return text, privatefile.Write(file, text)
}

func loadAuthority(certFile string, certPEM []byte, keyFile string, keyPEM []byte) (*Authority, error) {
	cert, err := ParseCert(certPEM)
	if err != nil {
		return nil, fmt.Errorf("reading the certificate authority %s: %w", certFile, err)
	}
	key, err := parseKey(keyPEM)
	if err != nil {
		return nil, fmt.Errorf("reading the authority's key %s: %w", keyFile, err)
	}
	if !samePublicKey(cert, key) {
		return nil, fmt.Errorf("reading the certificate authority: %s and %s do not belong together: one of them was replaced; restore the pair from one backup", certFile, keyFile)
	}
	if !cert.IsCA {
		return nil, fmt.Errorf("reading the certificate authority: %s is not the certificate of an authority", certFile)
	}
	if err := checkTime(certFile, cert, time.Now()); err != nil {
		return nil, err
	}
	return &Authority{cert: cert, certPEM: bytes.Clone(certPEM), key: key, certFile: certFile}, nil
}

// checkTime tells a clock that is far off from a certificate that has ended, as
// well as the two can be told apart.
func checkTime(name string, cert *x509.Certificate, now time.Time) error {
	const day = time.RFC3339
	switch {
	case now.Before(cert.NotBefore):
		return fmt.Errorf("%s is not valid before %s, but this machine's clock says %s: set the clock", name, cert.NotBefore.UTC().Format(day), now.UTC().Format(day))
	case now.After(cert.NotAfter):
		return fmt.Errorf("%s expired on %s (this machine's clock says %s): set the clock if it is wrong; else move ca.crt and ca.key away to begin a new authority, and give its certificate to every client", name, cert.NotAfter.UTC().Format(day), now.UTC().Format(day))
	}
	return nil
}

// newSerial returns 127 random bits, as the CA/Browser Forum wants at least 64.
func newSerial() (*big.Int, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, fmt.Errorf("making a serial number: %w", err)
	}
	return serial.Add(serial, big.NewInt(1)), nil
}

// CertPEM is the authority's certificate as clients get it.
func (a *Authority) CertPEM() []byte { return bytes.Clone(a.certPEM) }

// CertFile is the path of ca.crt.
func (a *Authority) CertFile() string { return a.certFile }

// Certificate is the authority's certificate; it must not be changed.
func (a *Authority) Certificate() *x509.Certificate { return a.cert }

// Pool returns a new pool with the authority alone in it.
func (a *Authority) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return pool
}
