package authn

import (
	"context"

	"github.com/causeway-access/causeway/internal/authn/bootstrap"
	"github.com/causeway-access/causeway/internal/authn/oidc"
	"github.com/causeway-access/causeway/internal/authn/reload"
	"k8s.io/apiserver/pkg/authentication/authenticator"
	"k8s.io/apiserver/pkg/authentication/token/tokenfile"
	"k8s.io/apiserver/pkg/authentication/token/union"
)

// newTokens is the list of all kinds of bearer tokens; issuers is nil without a
// configuration file.
func newTokens(ctx context.Context, cfg Config) (tokens authenticator.Token, issuers *oidc.Issuers, err error) {
	var list []authenticator.Token
	if cfg.TokensFile != "" {
		static, err := newStatic(ctx, cfg)
		if err != nil {
			return nil, nil, err
		}
		list = append(list, authenticator.WrapAudienceAgnosticToken(cfg.Audiences, static))
	}
	if cfg.ServiceAccounts != nil {
		list = append(list, cfg.ServiceAccounts)
	}
	if cfg.BootstrapSecrets != nil {
		list = append(list, authenticator.WrapAudienceAgnosticToken(cfg.Audiences, bootstrap.New(cfg.BootstrapSecrets)))
	}
	if cfg.ConfigurationFile != "" {
		issuers, err = oidc.Open(ctx, oidc.Config{File: cfg.ConfigurationFile, Disallowed: cfg.DisallowedIssuers, Log: cfg.Log})
		if err != nil {
			return nil, nil, err
		}
		list = append(list, authenticator.WrapAudienceAgnosticToken(cfg.Audiences, issuers))
	}
	return union.New(list...), issuers, nil
}

// static is the tokens file, followed.
type static struct {
	file *reload.File[*tokenfile.TokenAuthenticator]
}

// newStatic lets the library read the file; what reload gives it is only the
// news that there is something to read.
func newStatic(ctx context.Context, cfg Config) (static, error) {
	file, err := reload.Watch(ctx, cfg.TokensFile, cfg.Log, func([]byte) (*tokenfile.TokenAuthenticator, error) {
		return tokenfile.NewCSV(cfg.TokensFile)
	})
	return static{file}, err
}

func (s static) AuthenticateToken(ctx context.Context, token string) (*authenticator.Response, bool, error) {
	return s.file.Get().AuthenticateToken(ctx, token)
}
