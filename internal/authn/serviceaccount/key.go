package serviceaccount

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/causeway-access/causeway/internal/privatefile"
)

const (
	keySuffix = ".key"
	// legacyFile signs the tokens in Secrets. They have no end, so this key has
	// none either: removing the file revokes them all.
	legacyFile = "legacy" + keySuffix
	timeForm   = "20060102T150405Z"
)

// key is one signing key.
type key struct {
	id      string
	private *ecdsa.PrivateKey
	// born is when it began to sign.
	born time.Time
	file string
}

func makeKey(dir, file string, born time.Time) (*key, error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	id, err := keyID(&private.PublicKey)
	if err != nil {
		return nil, err
	}
	if file == "" {
		file = fmt.Sprintf("%s-%s%s", born.UTC().Format(timeForm), id[:8], keySuffix)
	}
	path := filepath.Join(dir, file)
	if err := writeKey(path, private); err != nil {
		return nil, err
	}
	return &key{id: id, private: private, born: born, file: path}, nil
}

// keyID is what Kubernetes uses: the SHA-256 of the public key's DER bytes.
func keyID(public *ecdsa.PublicKey) (string, error) {
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(der)
	return base64.RawURLEncoding.EncodeToString(sum[:]), nil
}

func writeKey(path string, private *ecdsa.PrivateKey) error {
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return err
	}
	return privatefile.Write(path, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

func readKey(path string) (*key, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	private, err := parseKey(text)
	if err != nil {
		return nil, fmt.Errorf("reading the signing key %s: %w: restore it from a backup, or remove it, which ends all tokens that it signed", path, err)
	}
	id, err := keyID(&private.PublicKey)
	if err != nil {
		return nil, err
	}
	born, err := bornOf(path)
	if err != nil {
		return nil, err
	}
	return &key{id: id, private: private, born: born, file: path}, nil
}

// bornOf reads the time from our own file names, and takes the file's time for
// keys that an operator has put there.
func bornOf(path string) (time.Time, error) {
	stamp, _, _ := strings.Cut(filepath.Base(path), "-")
	if born, err := time.Parse(timeForm, stamp); err == nil {
		return born, nil
	}
	stat, err := os.Stat(path)
	if err != nil {
		return time.Time{}, err
	}
	return stat.ModTime(), nil
}

// parseKey never quotes the text in its errors.
func parseKey(text []byte) (*ecdsa.PrivateKey, error) {
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, errors.New("it holds no PEM block")
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		if parsed, err = x509.ParseECPrivateKey(block.Bytes); err != nil {
			return nil, errors.New("it holds no private key that can be parsed")
		}
	}
	private, ok := parsed.(*ecdsa.PrivateKey)
	if !ok || private.Curve != elliptic.P256() {
		return nil, errors.New("it is not an ECDSA P-256 key (ES256)")
	}
	return private, nil
}
