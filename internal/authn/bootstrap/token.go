// Package bootstrap authenticates bootstrap tokens (floor F1): short-lived
// bearer tokens "id.secret" with which a machine first joins the cluster. They
// are Secrets of type bootstrap.kubernetes.io/token named bootstrap-token-ID in
// kube-system, as Kubernetes documents them.
package bootstrap

import (
	"context"
	"crypto/subtle"
	"fmt"
	"regexp"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apiserver/pkg/authentication/authenticator"
	"k8s.io/apiserver/pkg/authentication/user"
)

const (
	// DefaultGroup is the group of every bootstrap token.
	DefaultGroup = "system:bootstrappers"
	// SecretPrefix begins the name of a token's Secret; its id follows.
	SecretPrefix = "bootstrap-token-"
	// UserPrefix begins the name of the user; the id follows.
	UserPrefix = "system:bootstrap:"
)

var (
	idForm     = regexp.MustCompile(`^[a-z0-9]{6}$`)
	secretForm = regexp.MustCompile(`^[a-z0-9]{16}$`)
	groupForm  = regexp.MustCompile(`^system:bootstrappers:[a-z0-9:-]{0,255}[a-z0-9]$`)
)

// Secrets reads one Secret; IsNotFound errors mean that there is none.
type Secrets func(ctx context.Context, namespace, name string) (*corev1.Secret, error)

// Authenticator is an authenticator.Token for bootstrap tokens.
type Authenticator struct{ secrets Secrets }

var _ authenticator.Token = (*Authenticator)(nil)

// New returns an authenticator that looks the tokens up with secrets.
func New(secrets Secrets) *Authenticator { return &Authenticator{secrets: secrets} }

// ParseToken splits "id.secret"; ok is false for anything else.
func ParseToken(token string) (id, secret string, ok bool) {
	id, secret, found := strings.Cut(token, ".")
	if !found || !idForm.MatchString(id) || !secretForm.MatchString(secret) {
		return "", "", false
	}
	return id, secret, true
}

// AuthenticateToken has no opinion on what is not a bootstrap token, is
// unknown, expired or not meant for authentication.
func (a *Authenticator) AuthenticateToken(ctx context.Context, token string) (*authenticator.Response, bool, error) {
	id, given, ok := ParseToken(token)
	if !ok {
		return nil, false, nil
	}
	secret, err := a.secrets(ctx, metav1.NamespaceSystem, SecretPrefix+id)
	if apierrors.IsNotFound(err) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("reading bootstrap token %s: %w", id, err)
	}
	if !usable(secret, id, given, time.Now()) {
		return nil, false, nil
	}
	groups, err := groupsOf(secret)
	if err != nil {
		return nil, false, fmt.Errorf("bootstrap token %s: %w", id, err)
	}
	return &authenticator.Response{User: &user.DefaultInfo{Name: UserPrefix + id, Groups: groups}}, true, nil
}

func usable(secret *corev1.Secret, id, given string, now time.Time) bool {
	data := secret.Data
	return secret.Type == corev1.SecretTypeBootstrapToken &&
		secret.DeletionTimestamp == nil &&
		subtle.ConstantTimeCompare(data["token-secret"], []byte(given)) == 1 &&
		string(data["token-id"]) == id &&
		string(data["usage-bootstrap-authentication"]) == "true" &&
		!expired(data["expiration"], now)
}

// expired takes what it cannot read as expired: the safe side.
func expired(text []byte, now time.Time) bool {
	if len(text) == 0 {
		return false
	}
	end, err := time.Parse(time.RFC3339, string(text))
	return err != nil || !now.Before(end)
}

// groupsOf refuses groups that would lift a joining machine above its kind.
func groupsOf(secret *corev1.Secret) ([]string, error) {
	groups := []string{DefaultGroup}
	for group := range strings.SplitSeq(string(secret.Data["auth-extra-groups"]), ",") {
		if group = strings.TrimSpace(group); group == "" {
			continue
		}
		if !groupForm.MatchString(group) {
			return nil, fmt.Errorf("group %q in auth-extra-groups must begin with %s: and end in a letter or digit", group, DefaultGroup)
		}
		groups = append(groups, group)
	}
	return groups, nil
}
