package cluster

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apiserver/pkg/authorization/authorizer"

	"github.com/causeway-access/causeway/internal/authn"
	"github.com/causeway-access/causeway/internal/authn/serviceaccount"
	"github.com/causeway-access/causeway/internal/authz"
)

// identity is who asks and may they, for the API server and the gateway alike.
type identity struct {
	tokens     *serviceaccount.Tokens
	authn      *authn.Authenticator
	rbac       *authz.RBAC
	node       *authz.Node
	authorizer authorizer.Authorizer
}

func (c *Cluster) prepareIdentity(context.Context) error {
	ctx, cancel := context.WithCancel(context.Background())
	c.onStop(func(context.Context) error { cancel(); return nil })
	id := &identity{}
	if err := c.prepareAuthentication(ctx, id); err != nil {
		return err
	}
	var err error
	if id.rbac, err = authz.NewRBAC(c.base.Informers.Rbac().V1()); err != nil {
		return err
	}
	id.node, err = authz.NewNode(c.base.Informers.Core().V1().Pods(), authz.Lag)
	if err != nil {
		return err
	}
	id.authorizer, err = authz.New(authz.Config{Node: id.node, RBAC: id.rbac})
	c.identity = id
	return err
}

func (c *Cluster) prepareAuthentication(ctx context.Context, id *identity) error {
	keys, err := c.openSigningKeys(ctx)
	if err != nil {
		return err
	}
	id.tokens = serviceaccount.New(serviceaccount.Config{
		Keys: keys, Objects: serviceaccount.FromCluster(c.base.Client, c.base.Informers),
	})
	id.authn, err = authn.New(ctx, authn.Config{
		ClientCA:     c.base.ClientCA,
		HtpasswdFile: c.HtpasswdFile, HtpasswdGroupsFile: c.HtpasswdGroupsFile,
		TokensFile:      c.TokensFile,
		ServiceAccounts: id.tokens,
		BootstrapSecrets: func(ctx context.Context, namespace, name string) (*corev1.Secret, error) {
			return c.base.Client.CoreV1().Secrets(namespace).Get(ctx, name, metav1.GetOptions{})
		},
		ConfigurationFile: c.AuthenticationConfig,
		DisallowedIssuers: []string{id.tokens.Issuer()},
		Audiences:         id.tokens.Audiences(),
		Log:               c.log,
	})
	return err
}

// openSigningKeys opens the keys that sign the tokens of service accounts.
func (c *Cluster) openSigningKeys(ctx context.Context) (*serviceaccount.Keys, error) {
	cfg := serviceaccount.KeysConfig{Dir: c.path("pki", "serviceaccounts"), Log: c.log}
	if !c.shared() {
		return serviceaccount.OpenKeys(ctx, cfg)
	}
	cfg.Rotation = neverRotate
	keys, err := serviceaccount.OpenKeys(ctx, cfg)
	if err != nil {
		return nil, err
	}
	return keys, c.claim(ctx, signingKeyClaim, keys.LegacyID(), "key that signs the tokens of service accounts")
}

// legacyTokens issues the tokens that stand in Secrets.
func (id *identity) legacyTokens() legacyIssuer { return legacyIssuer{id.tokens} }

type legacyIssuer struct{ tokens *serviceaccount.Tokens }

// Issue makes a token that is good while account and secret exist.
func (l legacyIssuer) Issue(account *corev1.ServiceAccount, secret *corev1.Secret) (string, error) {
	return l.tokens.IssueLegacy(account, secret)
}
