// Package serviceaccount gives every namespace what its pods and people need
// to speak to the API: the account `default`, the config map kube-root-ca.crt,
// and token Secrets for the accounts that ask for one (or for all accounts, as
// before Kubernetes 1.24).
//
// Floor 2: a client of the API only.
package serviceaccount

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/causeway-access/causeway/internal/controller"
)

const (
	// DefaultAccount is the account that each namespace has.
	DefaultAccount = "default"

	// RootCAConfigMap is the config map that each namespace has; its key
	// ca.crt is the authority of the API server's certificate, in PEM.
	RootCAConfigMap = "kube-root-ca.crt"
)

// Issuer makes tokens.
type Issuer interface {
	// Issue makes a token by which its bearer is account, for as long as both
	// account and secret exist. Both have their UIDs.
	Issue(account *corev1.ServiceAccount, secret *corev1.Secret) (string, error)
}

// Config is what the controllers of this package need to know.
type Config struct {
	// RootCA is the authority by which clients know the API server, in PEM.
	// Required.
	RootCA []byte

	// Tokens makes the tokens of token Secrets. Required.
	Tokens Issuer

	// LegacyTokenSecrets makes a token Secret for every account and lists it
	// in the account's secrets, as Kubernetes did before 1.24. Such a token
	// does not expire; it ends with its Secret or account.
	LegacyTokenSecrets bool
}

// New makes the controllers of service accounts.
func New(config controller.Config, own Config) (controller.Controller, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	if len(own.RootCA) == 0 || own.Tokens == nil {
		return nil, fmt.Errorf("configuring controller serviceaccount: root CA and token issuer are required")
	}
	accounts, err := newAccounts(config)
	if err != nil {
		return nil, err
	}
	rootCAs, err := newRootCAs(config, own.RootCA)
	if err != nil {
		return nil, err
	}
	tokens, err := newTokens(config, own)
	if err != nil {
		return nil, err
	}
	members := []controller.Controller{accounts, rootCAs, tokens}
	if own.LegacyTokenSecrets {
		legacy, err := newLegacy(config)
		if err != nil {
			return nil, err
		}
		members = append(members, legacy)
	}
	return controller.Group("serviceaccount", members...), nil
}
