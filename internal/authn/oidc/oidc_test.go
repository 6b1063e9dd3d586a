package oidc_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/causeway-access/causeway/internal/authn/oidc"
	"github.com/golang-jwt/jwt/v5"
	"github.com/google/go-cmp/cmp"
)

// provider is a real OpenID Connect provider, as far as verifying needs one.
type provider struct {
	*httptest.Server
	key *ecdsa.PrivateKey
}

func newProvider(t *testing.T) *provider {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p := &provider{key: key}
	mux := http.NewServeMux()
	mux.HandleFunc("/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		p.answer(t, w, map[string]any{"issuer": p.URL, "jwks_uri": p.URL + "/keys", "id_token_signing_alg_values_supported": []string{"ES256"}})
	})
	mux.HandleFunc("/keys", func(w http.ResponseWriter, _ *http.Request) {
		point, err := key.PublicKey.ECDH()
		if err != nil {
			t.Error(err)
			return
		}
		raw, text := point.Bytes()[1:], base64.RawURLEncoding.EncodeToString
		p.answer(t, w, map[string]any{"keys": []any{map[string]any{
			"use": "sig", "kty": "EC", "kid": "1", "crv": "P-256", "alg": "ES256", "x": text(raw[:32]), "y": text(raw[32:]),
		}}})
	})
	p.Server = httptest.NewTLSServer(mux)
	t.Cleanup(p.Close)
	return p
}

func (p *provider) answer(t *testing.T, w http.ResponseWriter, body any) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(body); err != nil {
		t.Error(err)
	}
}

func (p *provider) token(t *testing.T, claims jwt.MapClaims) string {
	t.Helper()
	all := jwt.MapClaims{"iss": p.URL, "aud": "causeway", "exp": time.Now().Add(time.Hour).Unix(), "sub": "alice"}
	for name, value := range claims {
		all[name] = value
	}
	token := jwt.NewWithClaims(jwt.SigningMethodES256, all)
	token.Header["kid"] = "1"
	signed, err := token.SignedString(p.key)
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

// issuer is the provider's part of a configuration.
func (p *provider) issuer(prefix string) string {
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.Certificate().Raw})
	indented := strings.ReplaceAll(strings.TrimSpace(string(ca)), "\n", "\n      ")
	return fmt.Sprintf(`- issuer:
    url: %s
    audiences: [causeway]
    certificateAuthority: |
      %s
  claimMappings:
    username: {claim: sub, prefix: %q}
    groups: {claim: groups, prefix: %q}
  userValidationRules:
  - expression: "!user.username.startsWith('system:')"
    message: reserved
`, p.URL, indented, prefix, prefix)
}

const head = "apiVersion: apiserver.config.k8s.io/v1\nkind: AuthenticationConfiguration\n"

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "authentication.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func ready(t *testing.T, issuers *oidc.Issuers) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); issuers.Ready() != nil; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal(issuers.Ready())
		}
	}
}

func TestTokensOfAllIssuersOfTheFile(t *testing.T) {
	corp, partner, stranger := newProvider(t), newProvider(t), newProvider(t)
	issuers, err := oidc.Open(t.Context(), oidc.Config{File: write(t, head+"jwt:\n"+corp.issuer("")+partner.issuer("partner:"))})
	if err != nil {
		t.Fatal(err)
	}
	ready(t, issuers)
	for _, tt := range []struct {
		name, token string
		user        string
		groups      []string
		fails       bool
	}{
		{name: "first issuer", token: corp.token(t, jwt.MapClaims{"groups": []string{"dev"}}), user: "alice", groups: []string{"dev"}},
		{name: "second issuer", token: partner.token(t, jwt.MapClaims{"groups": []string{"dev"}}), user: "partner:alice", groups: []string{"partner:dev"}},
		{name: "expired", token: corp.token(t, jwt.MapClaims{"exp": time.Now().Add(-time.Hour).Unix()}), fails: true},
		{name: "for another", token: corp.token(t, jwt.MapClaims{"aud": "another"}), fails: true},
		{name: "reserved name", token: corp.token(t, jwt.MapClaims{"sub": "system:admin"}), fails: true},
		{name: "signed by another", token: stranger.token(t, jwt.MapClaims{"iss": corp.URL}), fails: true},
		{name: "issuer not in the file", token: stranger.token(t, nil)},
		{name: "no JWT", token: "abc"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			response, ok, err := issuers.AuthenticateToken(t.Context(), tt.token)
			if (err != nil) != tt.fails || ok != (tt.user != "") {
				t.Fatalf("AuthenticateToken = %v, %v", ok, err)
			}
			if !ok {
				return
			}
			if got := response.User.GetName(); got != tt.user {
				t.Errorf("user = %q, want %q", got, tt.user)
			}
			if diff := cmp.Diff(tt.groups, response.User.GetGroups()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestChangedFileBringsAndTakesIssuers(t *testing.T) {
	before, after := newProvider(t), newProvider(t)
	file := write(t, head+"jwt:\n"+before.issuer(""))
	issuers, err := oidc.Open(t.Context(), oidc.Config{File: file, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	ready(t, issuers)
	if err := os.WriteFile(file, []byte(head+"jwt:\n"+after.issuer("")), 0o600); err != nil {
		t.Fatal(err)
	}
	accepts := func(p *provider) bool {
		_, ok, _ := issuers.AuthenticateToken(t.Context(), p.token(t, nil))
		return ok
	}
	for deadline := time.Now().Add(time.Minute); !accepts(after); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the new issuer is never accepted")
		}
	}
	if accepts(before) {
		t.Error("the old issuer is still accepted")
	}
}

func TestBadConfigurationsAreRefused(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"empty", "", "is empty"},
		{"no YAML", "{", "error"},
		{"other kind", "apiVersion: apiserver.config.k8s.io/v1\nkind: AuthorizationConfiguration\nauthorizers: []\n", "want an AuthenticationConfiguration"},
		{"unknown kind", "apiVersion: v1\nkind: Pod\n", "Pod"},
		{"unknown field", head + "jtw: []\n", `unknown field "jtw"`},
		{"plain http", head + "jwt:\n- issuer: {url: 'http://x', audiences: [a]}\n  claimMappings: {username: {claim: sub, prefix: ''}}\n", "URL scheme must be https"},
		{"no audience", head + "jwt:\n- issuer: {url: 'https://x'}\n  claimMappings: {username: {claim: sub, prefix: ''}}\n", "jwt[0].issuer.audiences"},
		{"the cluster's own issuer", head + "jwt:\n- issuer: {url: 'https://own', audiences: [a]}\n  claimMappings: {username: {claim: sub, prefix: ''}}\n", "https://own"},
		{"CEL that does not compile", head + "jwt:\n- issuer: {url: 'https://x', audiences: [a]}\n  claimMappings: {username: {expression: 'claims.'}}\n", "jwt[0].claimMappings.username.expression"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := oidc.Open(t.Context(), oidc.Config{File: write(t, tt.text), Disallowed: []string{"https://own"}})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error = %v, want one that says %q", err, tt.want)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(head + "jwt: []\nanonymous: {enabled: true, conditions: [{path: /livez}]}\n"))
	f.Add([]byte(head + "jwt:\n- issuer: {url: 'https://x', audiences: [a]}\n"))
	f.Add([]byte("{"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if config, err := oidc.Parse(data); (config == nil) == (err == nil) {
			t.Errorf("Parse = %v, %v: want exactly one", config, err)
		}
	})
}
