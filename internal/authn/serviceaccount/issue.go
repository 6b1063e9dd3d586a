package serviceaccount

import (
	"errors"
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apiserver/pkg/authentication/serviceaccount"
	tokenjwt "k8s.io/apiserver/pkg/authentication/token/jwt"
)

const (
	// DefaultLife is the life of a token that does not ask for another.
	DefaultLife = time.Hour
	// MinLife is the shortest life that may be asked for.
	MinLife = 10 * time.Minute
	// warnOnlyLife is what the projected token volume asks for on behalf of pods
	// whose clients may be too old to read the file again: such a token lives
	// longer than it says, and its late use is noted in the audit log.
	warnOnlyLife = 3607 * time.Second
)

// Request says whom a token is for and what ends it.
type Request struct {
	// Account is the service account, as read from the API.
	Account *corev1.ServiceAccount
	// Pod, Secret or Node is the object that the token is bound to, if any.
	// With a Pod, Node may be given too: the node that the pod runs on.
	Pod    *corev1.Pod
	Secret *corev1.Secret
	Node   *corev1.Node
	// Audiences the token is for; the API server's first one if empty.
	Audiences []string
	// Life is DefaultLife if zero. It must be MinLife at least; a longer one
	// than the keys' MaxLife is cut to that.
	Life time.Duration
}

// Token is an issued token.
type Token struct {
	// Token is the credential itself.
	Token string
	// Expires is what TokenRequest's status.expirationTimestamp says.
	Expires time.Time
	// Audiences are those that it is for.
	Audiences []string
	// CredentialID names the token in audit events without revealing it.
	CredentialID string
}

// Issue signs a token for the TokenRequest endpoint.
func (t *Tokens) Issue(request Request) (Token, error) {
	account := request.Account
	if account == nil || account.Name == "" || account.Namespace == "" || account.UID == "" {
		return Token{}, errors.New("issuing a token: the service account must be read from the API first")
	}
	if request.Life == 0 {
		request.Life = DefaultLife
	}
	if request.Life < MinLife {
		return Token{}, fmt.Errorf("issuing a token for %s/%s: it must live for at least %s", account.Namespace, account.Name, MinLife)
	}
	if len(request.Audiences) == 0 {
		request.Audiences = t.audiences[:1]
	}
	life := min(request.Life, t.MaxLife())
	now := time.Now()
	c := claims{
		RegisteredClaims: jwt.RegisteredClaims{
			Issuer:    t.issuer,
			Subject:   serviceaccount.MakeUsername(account.Namespace, account.Name),
			Audience:  request.Audiences,
			IssuedAt:  jwt.NewNumericDate(now),
			NotBefore: jwt.NewNumericDate(now),
			ExpiresAt: jwt.NewNumericDate(now.Add(life)),
			ID:        uuid.NewString(),
		},
		Kubernetes: bind(request),
	}
	if t.warnOnly(request) {
		c.Kubernetes.WarnAfter = c.ExpiresAt
		c.ExpiresAt = jwt.NewNumericDate(now.Add(t.MaxLife()))
	}
	signed, err := sign(c, t.keys.ring.Load().signer())
	if err != nil {
		return Token{}, fmt.Errorf("issuing a token for %s/%s: %w", account.Namespace, account.Name, err)
	}
	return Token{
		Token:        signed,
		Expires:      now.Add(life).Truncate(time.Second),
		Audiences:    request.Audiences,
		CredentialID: tokenjwt.CredentialIDForJTI(c.ID),
	}, nil
}

// warnOnly tells whether the token is one of a pod for the API server alone.
func (t *Tokens) warnOnly(request Request) bool {
	if request.Pod == nil || request.Life != warnOnlyLife {
		return false
	}
	return len(t.audiences.Intersect(request.Audiences)) == len(request.Audiences)
}

// bind writes down what the token depends on.
func bind(request Request) private {
	p := private{Namespace: request.Account.Namespace, ServiceAccount: *refTo(&request.Account.ObjectMeta)}
	if request.Pod != nil {
		p.Pod = refTo(&request.Pod.ObjectMeta)
	}
	if request.Secret != nil {
		p.Secret = refTo(&request.Secret.ObjectMeta)
	}
	if request.Node != nil {
		p.Node = refTo(&request.Node.ObjectMeta)
	}
	return p
}

func refTo(meta *metav1.ObjectMeta) *ref {
	return &ref{Name: meta.Name, UID: string(meta.UID)}
}

// IssueLegacy signs the token for the Secret, which must be of type
// kubernetes.io/service-account-token and belong to the account. The caller
// writes it into the Secret as `token`: verification compares the two.
func (t *Tokens) IssueLegacy(account *corev1.ServiceAccount, secret *corev1.Secret) (string, error) {
	if account.Namespace != secret.Namespace || !serviceaccount.IsServiceAccountToken(secret, account) {
		return "", fmt.Errorf("issuing a token: Secret %s/%s is not a token of service account %s/%s",
			secret.Namespace, secret.Name, account.Namespace, account.Name)
	}
	signed, err := sign(legacyClaims{
		RegisteredClaims: jwt.RegisteredClaims{
			Issuer:  LegacyIssuer,
			Subject: serviceaccount.MakeUsername(account.Namespace, account.Name),
		},
		Namespace:  account.Namespace,
		SecretName: secret.Name,
		Name:       account.Name,
		UID:        string(account.UID),
	}, t.keys.ring.Load().legacy)
	if err != nil {
		return "", fmt.Errorf("issuing a token for Secret %s/%s: %w", secret.Namespace, secret.Name, err)
	}
	return signed, nil
}

func sign(c jwt.Claims, with *key) (string, error) {
	token := jwt.NewWithClaims(jwt.SigningMethodES256, c)
	token.Header["kid"] = with.id
	return token.SignedString(with.private)
}
