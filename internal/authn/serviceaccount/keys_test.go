package serviceaccount

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/go-cmp/cmp"
)

func TestKeysSurviveARestart(t *testing.T) {
	dir := t.TempDir()
	w := newWorld(t)
	w.keys = openKeys(t, dir)
	bound, legacy := w.issue(t, w.request()), w.legacy(t)
	w.keys = openKeys(t, dir)
	for name, token := range map[string]string{"bound": bound, "legacy": legacy} {
		if _, ok, err := w.AuthenticateToken(t.Context(), token); !ok || err != nil {
			t.Errorf("%s token after a restart: %v, %v", name, ok, err)
		}
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != 2 {
		t.Errorf("files = %v, want two keys", files)
	}
	for _, file := range files {
		if info, err := file.Info(); err != nil || info.Mode() != 0o600 {
			t.Errorf("%s: mode %v, %v", file.Name(), info.Mode(), err)
		}
	}
}

// A key's life: it signs, then verifies only, then is gone.
func TestKeysRotate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		w := newWorld(t)
		var err error
		w.keys, err = OpenKeys(t.Context(), KeysConfig{Dir: dir, Rotation: 24 * time.Hour, MaxLife: 12 * time.Hour, Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		first := w.keys.ring.Load().signer()
		legacy := w.legacy(t)
		time.Sleep(24*time.Hour - 2*keysInterval + 30*time.Second) // between two looks at the directory
		request := w.request()
		request.Life = 12 * time.Hour
		late := w.issue(t, request)
		time.Sleep(4 * keysInterval)
		if second := w.keys.ring.Load().signer(); second.id == first.id {
			t.Fatal("the key was not rotated")
		}
		time.Sleep(12*time.Hour - 6*keysInterval)
		if _, ok, err := w.AuthenticateToken(t.Context(), late); !ok || err != nil {
			t.Errorf("a token signed by the old key, shortly before its end: %v, %v", ok, err)
		}
		time.Sleep(keySlack + 10*keysInterval)
		if _, err := os.Stat(first.file); !os.IsNotExist(err) {
			t.Errorf("the old key is still there: %v", err)
		}
		if _, ok := w.keys.find(first.id); ok {
			t.Error("the old key still verifies")
		}
		if _, ok, err := w.AuthenticateToken(t.Context(), legacy); !ok || err != nil {
			t.Errorf("the token of a Secret after rotation: %v, %v", ok, err)
		}
	})
}

func TestAnotherServersKeyIsFound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		mine := openKeys(t, dir)
		time.Sleep(2 * time.Second)
		theirs, err := makeKey(dir, "", time.Now())
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := mine.find(theirs.id); !ok {
			t.Error("a key that another server made a moment ago is not found")
		}
	})
}

func TestKeyOfAnOperatorIsUsed(t *testing.T) {
	dir := t.TempDir()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalECPrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der})
	if err := os.WriteFile(filepath.Join(dir, "sa.key"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	if signer := openKeys(t, dir).ring.Load().signer(); !signer.private.Equal(private) {
		t.Error("another key signs")
	}
}

func TestDamagedKeyIsAnError(t *testing.T) {
	large, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(large)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"empty":      "",
		"cut short":  "-----BEGIN PRIVATE KEY-----\nMIGHAg",
		"not a key":  "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
		"other kind": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
	} {
		dir := t.TempDir()
		file := filepath.Join(dir, "sa.key")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := OpenKeys(t.Context(), KeysConfig{Dir: dir})
		if err == nil || !strings.Contains(err.Error(), file) {
			t.Errorf("%s: error = %v, want one that names the file", name, err)
		}
	}
}

// A relying party that knows the URLs alone can verify our tokens.
func TestDiscoveryIsEnoughToVerify(t *testing.T) {
	w := newWorld(t)
	server := httptest.NewServer(w.Discovery("http://example.invalid" + JWKSPath))
	defer server.Close()
	var document struct {
		Issuer  string   `json:"issuer"`
		JWKSURI string   `json:"jwks_uri"`
		Algs    []string `json:"id_token_signing_alg_values_supported"`
	}
	get(t, server.URL+DiscoveryPath, "application/json", &document)
	if document.Issuer != DefaultIssuer || document.JWKSURI != "http://example.invalid"+JWKSPath {
		t.Errorf("document = %+v", document)
	}
	var set struct {
		Keys []map[string]string `json:"keys"`
	}
	get(t, server.URL+JWKSPath, "application/jwk-set+json", &set)
	if len(set.Keys) != 1 {
		t.Fatalf("%d keys, want the one that signs bound tokens", len(set.Keys))
	}
	_, err := jwt.Parse(w.issue(t, w.request()), func(token *jwt.Token) (any, error) {
		if diff := cmp.Diff(token.Header["kid"], any(set.Keys[0]["kid"])); diff != "" {
			t.Error(diff)
		}
		return publicKey(t, set.Keys[0]), nil
	}, jwt.WithValidMethods(document.Algs), jwt.WithIssuer(document.Issuer))
	if err != nil {
		t.Error(err)
	}
}

func get(t *testing.T, url, contentType string, into any) {
	t.Helper()
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if got := response.Header.Get("Content-Type"); got != contentType {
		t.Errorf("content type of %s = %q, want %q", url, got, contentType)
	}
	if err := json.NewDecoder(response.Body).Decode(into); err != nil {
		t.Fatal(err)
	}
}

func publicKey(t *testing.T, jwk map[string]string) *ecdsa.PublicKey {
	t.Helper()
	number := func(text string) *big.Int {
		raw, err := base64.RawURLEncoding.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		return new(big.Int).SetBytes(raw)
	}
	return &ecdsa.PublicKey{Curve: elliptic.P256(), X: number(jwk["x"]), Y: number(jwk["y"])}
}

func FuzzParseKey(f *testing.F) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		f.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	f.Add([]byte("-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if key, err := parseKey(text); (key == nil) == (err == nil) {
			t.Errorf("parseKey = %v, %v: want exactly one", key, err)
		}
	})
}
