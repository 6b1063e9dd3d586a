package serviceaccount

import (
	"crypto/ecdsa"
	"encoding/base64"
	"encoding/json"
	"net/http"
)

// Paths of the OpenID documents (OpenID Connect Discovery 1.0; RFC 7517).
const (
	DiscoveryPath = "/.well-known/openid-configuration"
	JWKSPath      = "/openid/v1/jwks"
)

// Discovery answers DiscoveryPath and JWKSPath. The URI at which others reach
// JWKSPath depends on where the server is reached, so the caller gives it.
func (t *Tokens) Discovery(jwksURI string) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+DiscoveryPath, func(w http.ResponseWriter, _ *http.Request) {
		body, err := t.DiscoveryDocument(jwksURI)
		reply(w, "application/json", body, err)
	})
	mux.HandleFunc("GET "+JWKSPath, func(w http.ResponseWriter, _ *http.Request) {
		body, err := t.keys.JWKS()
		reply(w, "application/jwk-set+json", body, err)
	})
	return mux
}

func reply(w http.ResponseWriter, contentType string, body []byte, err error) {
	if err != nil {
		http.Error(w, "the document cannot be made", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Cache-Control", "public, max-age=3600")
	_, _ = w.Write(body) // a client that went away is no fault of ours
}

// DiscoveryDocument says who issues and where the keys are.
func (t *Tokens) DiscoveryDocument(jwksURI string) ([]byte, error) {
	return json.Marshal(struct {
		Issuer        string   `json:"issuer"`
		JWKSURI       string   `json:"jwks_uri"`
		ResponseTypes []string `json:"response_types_supported"`
		SubjectTypes  []string `json:"subject_types_supported"`
		Algorithms    []string `json:"id_token_signing_alg_values_supported"`
	}{t.issuer, jwksURI, []string{"id_token"}, []string{"public"}, []string{"ES256"}})
}

// jwk is a public key as in RFC 7517 and RFC 7518 section 6.2.
type jwk struct {
	Use       string `json:"use"`
	KeyType   string `json:"kty"`
	ID        string `json:"kid"`
	Curve     string `json:"crv"`
	Algorithm string `json:"alg"`
	X         string `json:"x"`
	Y         string `json:"y"`
}

// JWKS lists the public keys that verify bound tokens. The key of tokens in
// Secrets is not among them: those can be judged only beside their Secret.
func (k *Keys) JWKS() ([]byte, error) {
	set := struct {
		Keys []jwk `json:"keys"`
	}{Keys: []jwk{}}
	for _, one := range k.ring.Load().byAge {
		public, err := publicJWK(one.id, &one.private.PublicKey)
		if err != nil {
			return nil, err
		}
		set.Keys = append(set.Keys, public)
	}
	return json.Marshal(set)
}

func publicJWK(id string, public *ecdsa.PublicKey) (jwk, error) {
	point, err := public.ECDH()
	if err != nil {
		return jwk{}, err
	}
	raw := point.Bytes()[1:] // SEC 1: 0x04, X, Y
	half := len(raw) / 2
	text := base64.RawURLEncoding.EncodeToString
	return jwk{Use: "sig", KeyType: "EC", ID: id, Curve: "P-256", Algorithm: "ES256", X: text(raw[:half]), Y: text(raw[half:])}, nil
}
