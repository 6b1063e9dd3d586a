package serviceaccount

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apiserver/pkg/audit"
	"k8s.io/apiserver/pkg/authentication/authenticator"
	"k8s.io/apiserver/pkg/authentication/serviceaccount"
	tokenjwt "k8s.io/apiserver/pkg/authentication/token/jwt"
)

// deletionGrace is how long an object that is being deleted still carries its
// tokens, so that a pod may say goodbye to the API while it stops.
const deletionGrace = time.Minute

// AuthenticateToken verifies a token of ours. It has no opinion on what is not a
// JWT or comes from another issuer.
func (t *Tokens) AuthenticateToken(ctx context.Context, token string) (*authenticator.Response, bool, error) {
	switch issuerOf(token) {
	case t.issuer:
		return t.verifyBound(ctx, token)
	case LegacyIssuer:
		return t.verifyLegacy(ctx, token)
	}
	return nil, false, nil
}

// issuerOf reads the `iss` claim before anything is verified; it is empty for
// what is not a JWT.
func issuerOf(token string) string {
	var c jwt.RegisteredClaims
	if _, _, err := jwt.NewParser().ParseUnverified(token, &c); err != nil {
		return ""
	}
	return c.Issuer
}

func (t *Tokens) verifyBound(ctx context.Context, token string) (*authenticator.Response, bool, error) {
	var c claims
	if err := t.parse(token, &c, t.issuer, false, jwt.WithExpirationRequired()); err != nil {
		return nil, false, err
	}
	audiences, err := t.accepted(ctx, authenticator.Audiences(c.Audience))
	if err != nil {
		return nil, false, err
	}
	if err := t.checkBound(ctx, c.Kubernetes); err != nil {
		return nil, false, err
	}
	noteLateUse(ctx, &c)
	return &authenticator.Response{Audiences: audiences, User: c.info().UserInfo()}, true, nil
}

// parse checks the signature and the times. The keys of the two kinds of token
// are not interchangeable.
func (t *Tokens) parse(token string, into jwt.Claims, issuer string, legacy bool, more ...jwt.ParserOption) error {
	options := append(more, jwt.WithIssuer(issuer), jwt.WithValidMethods([]string{jwt.SigningMethodES256.Alg()}))
	_, err := jwt.ParseWithClaims(token, into, func(token *jwt.Token) (any, error) {
		id, _ := token.Header["kid"].(string)
		one, ok := t.keys.find(id)
		if !ok || (one == t.keys.ring.Load().legacy) != legacy {
			return nil, errors.New("it was signed by a key that is not known")
		}
		return &one.private.PublicKey, nil
	}, options...)
	switch {
	case errors.Is(err, jwt.ErrTokenExpired):
		return errors.New("service account token has expired")
	case errors.Is(err, jwt.ErrTokenNotValidYet):
		return errors.New("service account token is not valid yet: is a clock wrong?")
	case err != nil:
		return fmt.Errorf("service account token is invalid: %w", err)
	}
	return nil
}

// accepted returns those audiences of the token that the caller asks for. A
// token that names none is for the API server.
func (t *Tokens) accepted(ctx context.Context, has authenticator.Audiences) (authenticator.Audiences, error) {
	wanted, ok := authenticator.AudiencesFrom(ctx)
	if !ok {
		wanted = t.audiences
	}
	if len(has) == 0 {
		has = t.audiences
	}
	common := wanted.Intersect(has)
	if len(common) == 0 {
		return nil, fmt.Errorf("token audiences %q is invalid for the target audiences %q", has, wanted)
	}
	return common, nil
}

// checkBound asks whether everything that the token is bound to still exists.
func (t *Tokens) checkBound(ctx context.Context, p private) error {
	account, err := t.objects.ServiceAccount(ctx, p.Namespace, p.ServiceAccount.Name)
	if err != nil {
		return fmt.Errorf("looking up service account %s/%s: %w", p.Namespace, p.ServiceAccount.Name, err)
	}
	if err := alive("service account", &account.ObjectMeta, p.ServiceAccount); err != nil {
		return err
	}
	if p.Secret != nil {
		secret, err := t.objects.Secret(ctx, p.Namespace, p.Secret.Name)
		if err != nil {
			return fmt.Errorf("looking up secret %s/%s: %w", p.Namespace, p.Secret.Name, err)
		}
		return alive("secret", &secret.ObjectMeta, *p.Secret)
	}
	if p.Pod != nil {
		pod, err := t.objects.Pod(ctx, p.Namespace, p.Pod.Name)
		if err != nil {
			return fmt.Errorf("looking up pod %s/%s: %w", p.Namespace, p.Pod.Name, err)
		}
		return alive("pod", &pod.ObjectMeta, *p.Pod)
	}
	if p.Node != nil {
		node, err := t.objects.Node(ctx, p.Node.Name)
		if err != nil {
			return fmt.Errorf("looking up node %s: %w", p.Node.Name, err)
		}
		return alive("node", &node.ObjectMeta, *p.Node)
	}
	return nil
}

func alive(kind string, meta *metav1.ObjectMeta, want ref) error {
	if deleted := meta.DeletionTimestamp; deleted != nil && time.Since(deleted.Time) > deletionGrace {
		return fmt.Errorf("%s %s has been deleted", kind, want.Name)
	}
	if string(meta.UID) != want.UID {
		return fmt.Errorf("%s UID (%s) does not match claim (%s)", kind, meta.UID, want.UID)
	}
	return nil
}

// noteLateUse leaves the mark in the audit event by which operators find clients
// that do not read their token file again.
func noteLateUse(ctx context.Context, c *claims) {
	if after := c.Kubernetes.WarnAfter; after != nil && time.Now().After(after.Time) {
		audit.AddAuditAnnotation(ctx, "authentication.k8s.io/stale-token",
			fmt.Sprintf("subject: %s, seconds after warning threshold: %.0f", c.Subject, time.Since(after.Time).Seconds()))
	}
}

func (c *claims) info() *serviceaccount.ServiceAccountInfo {
	p := c.Kubernetes
	info := &serviceaccount.ServiceAccountInfo{Namespace: p.Namespace, Name: p.ServiceAccount.Name, UID: p.ServiceAccount.UID}
	if p.Pod != nil {
		info.PodName, info.PodUID = p.Pod.Name, p.Pod.UID
	}
	if p.Node != nil {
		info.NodeName, info.NodeUID = p.Node.Name, p.Node.UID
	}
	if c.ID != "" {
		info.CredentialID = tokenjwt.CredentialIDForJTI(c.ID)
	}
	return info
}

func (t *Tokens) verifyLegacy(ctx context.Context, token string) (*authenticator.Response, bool, error) {
	var c legacyClaims
	if err := t.parse(token, &c, LegacyIssuer, true); err != nil {
		return nil, false, err
	}
	audiences, err := t.accepted(ctx, nil)
	if err != nil {
		return nil, false, err
	}
	if err := t.checkLegacy(ctx, &c, token); err != nil {
		return nil, false, err
	}
	return &authenticator.Response{Audiences: audiences, User: serviceaccount.UserInfo(c.Namespace, c.Name, c.UID)}, true, nil
}

// checkLegacy wants the very token in its Secret: deleting or changing that is
// how such a token is revoked.
func (t *Tokens) checkLegacy(ctx context.Context, c *legacyClaims, token string) error {
	secret, err := t.objects.Secret(ctx, c.Namespace, c.SecretName)
	if err != nil {
		return fmt.Errorf("service account token has been invalidated: looking up secret %s/%s: %w", c.Namespace, c.SecretName, err)
	}
	held := secret.Data[corev1.ServiceAccountTokenKey]
	if secret.DeletionTimestamp != nil || subtle.ConstantTimeCompare(held, []byte(token)) != 1 {
		return fmt.Errorf("service account token has been invalidated: secret %s/%s holds another or is being deleted", c.Namespace, c.SecretName)
	}
	account, err := t.objects.ServiceAccount(ctx, c.Namespace, c.Name)
	if err != nil {
		return fmt.Errorf("looking up service account %s/%s: %w", c.Namespace, c.Name, err)
	}
	return alive("service account", &account.ObjectMeta, ref{Name: c.Name, UID: c.UID})
}
