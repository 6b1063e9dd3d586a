// Package oidc verifies the tokens of OpenID Connect providers (floor F1), as
// the structured authentication configuration of Kubernetes describes them
// (KEP-3331): any number of issuers, CEL for claims, read again when the file
// changes. The verifying itself is k8s.io/apiserver's.
package oidc

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/causeway-access/causeway/internal/authn/reload"
	"k8s.io/apiserver/pkg/apis/apiserver"
	"k8s.io/apiserver/pkg/authentication/authenticator"
	"k8s.io/apiserver/pkg/authentication/cel"
	"k8s.io/apiserver/pkg/authentication/token/union"
	"k8s.io/apiserver/pkg/server/dynamiccertificates"
	"k8s.io/apiserver/plugin/pkg/authenticator/token/oidc"
)

// drain is how long the issuers of a replaced file serve requests that are
// under way.
const drain = time.Minute

// Config says which file to follow.
type Config struct {
	// File holds an AuthenticationConfiguration.
	File string
	// Disallowed are issuers that the file may not name: the cluster's own.
	Disallowed []string
	// Log hears of changed and of bad files; slog.Default() if nil.
	Log *slog.Logger
}

// Issuers is an authenticator.Token for all issuers of the file.
type Issuers struct {
	file *reload.File[*set]
}

var _ authenticator.Token = (*Issuers)(nil)

// set is what one content of the file means.
type set struct {
	config *apiserver.AuthenticationConfiguration
	tokens authenticator.Token
	ready  []func() error
	stop   context.CancelFunc
}

// Open reads the file, which must be right, and follows it until ctx ends.
// Providers need not be reachable yet: their keys are fetched in the background.
func Open(ctx context.Context, cfg Config) (*Issuers, error) {
	var last *set
	file, err := reload.Watch(ctx, cfg.File, cfg.Log, func(data []byte) (*set, error) {
		next, err := newSet(ctx, data, cfg.Disallowed)
		if err != nil {
			return nil, err
		}
		if last != nil {
			time.AfterFunc(drain, last.stop)
		}
		last = next
		return next, nil
	})
	if err != nil {
		return nil, err
	}
	return &Issuers{file: file}, nil
}

func newSet(ctx context.Context, data []byte, disallowed []string) (*set, error) {
	config, err := Parse(data, disallowed...)
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(ctx)
	s := &set{config: config, stop: stop}
	compiler := cel.NewDefaultCompiler()
	var tokens []authenticator.Token
	for _, issuer := range config.JWT {
		one, err := newIssuer(ctx, issuer, compiler, disallowed)
		if err != nil {
			stop()
			return nil, fmt.Errorf("issuer %s: %w", issuer.Issuer.URL, err)
		}
		tokens = append(tokens, one)
		s.ready = append(s.ready, one.HealthCheck)
	}
	s.tokens = union.New(tokens...)
	return s, nil
}

func newIssuer(ctx context.Context, issuer apiserver.JWTAuthenticator, compiler cel.Compiler, disallowed []string) (oidc.AuthenticatorTokenWithHealthCheck, error) {
	options := oidc.Options{
		JWTAuthenticator:     issuer,
		Compiler:             compiler,
		SupportedSigningAlgs: oidc.AllValidSigningAlgorithms(),
		DisallowedIssuers:    disallowed,
	}
	if bundle := issuer.Issuer.CertificateAuthority; bundle != "" {
		content, err := dynamiccertificates.NewStaticCAContent("oidc-authenticator", []byte(bundle))
		if err != nil {
			return nil, err
		}
		options.CAContentProvider = content
	}
	return oidc.New(ctx, options)
}

// AuthenticateToken has no opinion on tokens of other issuers.
func (i *Issuers) AuthenticateToken(ctx context.Context, token string) (*authenticator.Response, bool, error) {
	return i.file.Get().tokens.AuthenticateToken(ctx, token)
}

// Anonymous is the file's anonymous section, nil if it has none.
func (i *Issuers) Anonymous() *apiserver.AnonymousAuthConfig {
	return i.file.Get().config.Anonymous
}

// Ready is nil once the keys of every issuer have been fetched.
func (i *Issuers) Ready() error {
	var errs []error
	for _, ready := range i.file.Get().ready {
		errs = append(errs, ready())
	}
	return errors.Join(errs...)
}
