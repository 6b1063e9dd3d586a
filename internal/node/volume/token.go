package volume

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
)

const (
	// oldest is the age at which a token is replaced, however long it lives.
	oldest = 24 * time.Hour
	// spread keeps the pods of a node from asking all at once.
	spread = 10 * time.Second
	// defaultLife is that of a token which does not say (the API's default).
	defaultLife = time.Hour
	// ownedMode is the mode of a token whose reader is known by its user or group.
	ownedMode = 0o600
)

// tokenKey is one token of a pod: each volume and audience has its own.
type tokenKey struct{ volume, path string }

// token is one that was got. Its time is by this machine's clock, from when it
// came: a clock that is wrong does no harm.
type token struct {
	text string
	due  time.Time // when it is to be replaced
}

// fromToken gives the file with a token of the pod's service account.
func (m *Manager) fromToken(ctx context.Context, p *pod, volume string, s *corev1.ServiceAccountTokenProjection, mode int32) (content, error) {
	k := tokenKey{volume, s.Path}
	t := p.tokens[k]
	if t == nil || !time.Now().Before(t.due) {
		fresh, err := m.requestToken(ctx, p.spec, s)
		if err != nil {
			return nil, fmt.Errorf("failed to fetch token: %w", err)
		}
		p.tokens[k], t = fresh, fresh
	}
	user := commonUser(p.spec)
	if user != nil || groupOf(p.spec) != nil {
		mode = ownedMode
	}
	return content{s.Path: {data: []byte(t.text), mode: mode, user: user}}, nil
}

func (m *Manager) requestToken(ctx context.Context, spec *corev1.Pod, s *corev1.ServiceAccountTokenProjection) (*token, error) {
	account := spec.Spec.ServiceAccountName
	if account == "" {
		account = "default"
	}
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{
		ExpirationSeconds: s.ExpirationSeconds,
		BoundObjectRef:    &authenticationv1.BoundObjectReference{APIVersion: "v1", Kind: "Pod", Name: spec.Name, UID: spec.UID},
	}}
	if s.Audience != "" {
		request.Spec.Audiences = []string{s.Audience}
	}
	asked := time.Now()
	answer, err := m.cfg.Client.CoreV1().ServiceAccounts(spec.Namespace).CreateToken(ctx, account, request, metav1.CreateOptions{})
	if err != nil {
		return nil, err
	}
	life := defaultLife
	if seconds := ptr.Deref(answer.Spec.ExpirationSeconds, 0); seconds > 0 {
		life = time.Duration(seconds) * time.Second
	}
	return &token{text: answer.Status.Token, due: asked.Add(replaceAfter(life))}, nil
}

// replaceAfter is the age at which a token with that life is replaced: four
// fifths of it, and a little earlier, so that not all come at once.
func replaceAfter(life time.Duration) time.Duration {
	age := min(life*4/5, oldest)
	return age - rand.N(min(spread, age/10+1))
}

// commonUser is the user that all containers run as, or nil.
func commonUser(spec *corev1.Pod) *int64 {
	var common *int64
	for _, list := range [][]corev1.Container{spec.Spec.InitContainers, spec.Spec.Containers} {
		for i := range list {
			user := userOf(spec, &list[i])
			if user == nil || common != nil && *common != *user {
				return nil
			}
			common = user
		}
	}
	return common
}

func userOf(spec *corev1.Pod, c *corev1.Container) *int64 {
	if s := c.SecurityContext; s != nil && s.RunAsUser != nil {
		return s.RunAsUser
	}
	if s := spec.Spec.SecurityContext; s != nil {
		return s.RunAsUser
	}
	return nil
}
