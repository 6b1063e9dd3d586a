package pin

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
)

// Fingerprint is a SHA-256: of a certificate's DER bytes, as openssl, browsers
// and `causeway up` show it, or of its public key, as kubeadm hands it out
// (RFC 7469, section 2.4).
type Fingerprint [sha256.Size]byte

// ParseFingerprint reads 64 hexadecimal digits, with colons between them or
// not, after "sha256:", "SHA-256 " or nothing, in either case of letters.
func ParseFingerprint(text string) (Fingerprint, error) {
	digits := strings.ToLower(strings.TrimSpace(text))
	for _, prefix := range []string{"sha256 fingerprint=", "sha256:", "sha-256:", "sha256=", "sha256 ", "sha-256 "} {
		digits = strings.TrimPrefix(digits, prefix)
	}
	digits = strings.ReplaceAll(strings.TrimSpace(digits), ":", "")
	var f Fingerprint
	if len(digits) != hex.EncodedLen(len(f)) {
		return f, fmt.Errorf("%q is no fingerprint: want sha256: and 64 hexadecimal digits", text)
	}
	if _, err := hex.Decode(f[:], []byte(digits)); err != nil {
		return f, fmt.Errorf("%q is no fingerprint: want sha256: and 64 hexadecimal digits", text)
	}
	return f, nil
}

// String is the form for scripts: sha256:0123...
func (f Fingerprint) String() string { return "sha256:" + hex.EncodeToString(f[:]) }

// matches reports whether f is of the certificate or of its public key.
func (f Fingerprint) matches(cert *x509.Certificate) bool {
	return f == sha256.Sum256(cert.Raw) || f == sha256.Sum256(cert.RawSubjectPublicKeyInfo)
}

// Matches reports whether f is of one of the certificates in text, which is PEM.
func Matches(text []byte, f Fingerprint) bool {
	return slices.ContainsFunc(parsePEM(text), f.matches)
}
