package authn

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/causeway-access/causeway/internal/authn/bootstrap"
	"k8s.io/apiserver/pkg/apis/apiserver"
	"k8s.io/apiserver/pkg/authentication/authenticator"
	"k8s.io/apiserver/pkg/authentication/group"
	"k8s.io/apiserver/pkg/authentication/request/anonymous"
	"k8s.io/apiserver/pkg/authentication/request/bearertoken"
	"k8s.io/apiserver/pkg/authentication/request/union"
	"k8s.io/apiserver/pkg/authentication/request/websocket"
	"k8s.io/apiserver/pkg/authentication/token/cache"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/server/dynamiccertificates"
)

const (
	// DefaultRealm is what browsers have been shown since the first versions.
	DefaultRealm = "kubernetes-master"

	// tokenGood is how long a verified token is taken without looking again.
	// With what Remembered adds, a revoked one may still pass for 10 s.
	tokenGood = 5 * time.Second
	// tokenUnknown is how long a token that nobody knows is refused without
	// looking again; short, since files and objects may be about to name it.
	tokenUnknown = time.Second
)

// Config lists the ways to authenticate. The zero value lets anonymous reach the
// health paths and refuses everybody else.
type Config struct {
	// ClientCA verifies client certificates; nil turns them off.
	ClientCA dynamiccertificates.CAContentProvider
	// HtpasswdFile turns on basic authentication (package htpasswd), and
	// HtpasswdGroupsFile says which groups its users are in.
	HtpasswdFile, HtpasswdGroupsFile string
	// Realm is shown by browsers; DefaultRealm if empty.
	Realm string
	// TokensFile holds static tokens: CSV lines `token,user,uid,"group1,group2"`.
	TokensFile string
	// ServiceAccounts verifies tokens of service accounts, usually a
	// *serviceaccount.Tokens; nil turns them off.
	ServiceAccounts authenticator.Token
	// BootstrapSecrets looks up bootstrap tokens; nil turns them off.
	BootstrapSecrets bootstrap.Secrets
	// ConfigurationFile is an AuthenticationConfiguration that names OpenID
	// Connect issuers (package oidc). Its anonymous section, if there is one,
	// takes the place of AnonymousPaths.
	ConfigurationFile string
	// DisallowedIssuers may not be named in ConfigurationFile: the issuer of
	// ServiceAccounts.
	DisallowedIssuers []string
	// Audiences are what the API server answers to; tokens that name none are
	// for these.
	Audiences authenticator.Audiences
	// AnonymousPaths may be reached without any credential. nil means
	// HealthPaths; empty but not nil means none.
	AnonymousPaths []string
	// Log hears of files that changed or went bad; slog.Default() if nil.
	Log *slog.Logger
}

// HealthPaths are those that balancers and probes ask without a credential.
func HealthPaths() []string { return []string{"/livez", "/readyz", "/healthz"} }

// Authenticator answers who asks. It is safe for concurrent use.
type Authenticator struct {
	request   authenticator.Request
	token     authenticator.Token
	challenge string
}

var (
	_ authenticator.Request = (*Authenticator)(nil)
	_ authenticator.Token   = (*Authenticator)(nil)
)

// New reads the files that cfg names and follows them until ctx ends.
func New(ctx context.Context, cfg Config) (*Authenticator, error) {
	tokens, issuers, err := newTokens(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("setting up authentication: %w", err)
	}
	cached := cache.New(tokens, false, tokenGood, tokenUnknown)

	a := &Authenticator{token: group.NewTokenGroupAdder(cached, []string{user.AllAuthenticated})}
	var headers []authenticator.Request
	if cfg.HtpasswdFile != "" {
		basic, err := newBasic(ctx, cfg)
		if err != nil {
			return nil, fmt.Errorf("setting up basic authentication: %w", err)
		}
		a.challenge = challenge(cfg.Realm)
		headers = append(headers, basic)
	}
	headers = append(headers, spacedBearer{bearertoken.New(cached)})

	var list []authenticator.Request
	if cfg.ClientCA != nil {
		list = append(list, newClientCert(cfg.ClientCA))
	}
	list = append(list, proxyAuthorization{union.New(headers...)})
	list = append(list, headers...)
	list = append(list, websocket.NewProtocolAuthenticator(cached))
	a.request = group.NewAuthenticatedGroupAdder(union.New(list...))

	var fromFile *apiserver.AnonymousAuthConfig
	if issuers != nil {
		fromFile = issuers.Anonymous()
	}
	if conditions, on := anonymousConditions(cfg.AnonymousPaths, fromFile); on {
		// The outer union stops at the first error: a bad credential is refused
		// also where none is needed.
		a.request = union.NewFailOnError(a.request, anonymous.NewAuthenticator(conditions))
	}
	return a, nil
}

// AuthenticateRequest returns who sent the request. An error means that a
// credential was given and none was good; ok false without an error, that none
// was given and the path needs one. Both are 401.
func (a *Authenticator) AuthenticateRequest(req *http.Request) (*authenticator.Response, bool, error) {
	return a.request.AuthenticateRequest(req)
}

// AuthenticateToken returns whose the bearer token is, for TokenReview.
func (a *Authenticator) AuthenticateToken(ctx context.Context, token string) (*authenticator.Response, bool, error) {
	return a.token.AuthenticateToken(ctx, token)
}

// Challenge is the value of WWW-Authenticate to send with a 401; empty when
// there is no basic authentication for a browser to ask a password for.
func (a *Authenticator) Challenge() string { return a.challenge }

func anonymousConditions(paths []string, fromFile *apiserver.AnonymousAuthConfig) (conditions []apiserver.AnonymousAuthCondition, on bool) {
	if fromFile != nil {
		return fromFile.Conditions, fromFile.Enabled
	}
	if paths == nil {
		paths = HealthPaths()
	}
	for _, path := range paths {
		conditions = append(conditions, apiserver.AnonymousAuthCondition{Path: path})
	}
	return conditions, len(conditions) > 0
}
