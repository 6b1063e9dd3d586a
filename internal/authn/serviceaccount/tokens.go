package serviceaccount

import (
	"time"

	"k8s.io/apiserver/pkg/authentication/authenticator"
)

// DefaultIssuer is the issuer when none is configured.
const DefaultIssuer = "https://kubernetes.default.svc"

// Config of Tokens.
type Config struct {
	// Issuer is the `iss` claim, an https URL; DefaultIssuer if empty.
	Issuer string
	// Audiences are those that the API server itself answers to, the first
	// being what a token is for that asks for none; {Issuer} if empty.
	Audiences authenticator.Audiences
	// Keys sign and verify.
	Keys *Keys
	// Objects looks up what tokens are bound to.
	Objects Objects
}

// Tokens issues and verifies tokens of service accounts. It is safe for
// concurrent use.
type Tokens struct {
	issuer    string
	audiences authenticator.Audiences
	keys      *Keys
	objects   Objects
}

var _ authenticator.Token = (*Tokens)(nil)

// New returns Tokens on the given keys.
func New(cfg Config) *Tokens {
	if cfg.Issuer == "" {
		cfg.Issuer = DefaultIssuer
	}
	if len(cfg.Audiences) == 0 {
		cfg.Audiences = authenticator.Audiences{cfg.Issuer}
	}
	return &Tokens{issuer: cfg.Issuer, audiences: cfg.Audiences, keys: cfg.Keys, objects: cfg.Objects}
}

// Issuer is the `iss` claim of the tokens.
func (t *Tokens) Issuer() string { return t.issuer }

// Audiences are those of the API server.
func (t *Tokens) Audiences() authenticator.Audiences { return t.audiences }

// MaxLife is the longest life of a token that has an end.
func (t *Tokens) MaxLife() time.Duration { return t.keys.cfg.MaxLife }
