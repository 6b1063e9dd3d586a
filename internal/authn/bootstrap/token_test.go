package bootstrap_test

import (
	"context"
	"errors"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/causeway-access/causeway/internal/authn/bootstrap"
	"github.com/causeway-access/causeway/test/fakeapi"
	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const token = "abcdef.0123456789abcdef"

func secret(change map[string]string) *corev1.Secret {
	data := map[string]string{
		"token-id":                       "abcdef",
		"token-secret":                   "0123456789abcdef",
		"usage-bootstrap-authentication": "true",
	}
	maps.Copy(data, change)
	s := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: "kube-system", Name: "bootstrap-token-abcdef"},
		Type:       corev1.SecretTypeBootstrapToken,
		Data:       map[string][]byte{},
	}
	for key, value := range data {
		s.Data[key] = []byte(value)
	}
	return s
}

func authenticator(objects ...*corev1.Secret) *bootstrap.Authenticator {
	client := fakeapi.NewClientset()
	for _, object := range objects {
		_ = client.Tracker().Add(object)
	}
	return bootstrap.New(func(ctx context.Context, namespace, name string) (*corev1.Secret, error) {
		return client.CoreV1().Secrets(namespace).Get(ctx, name, metav1.GetOptions{})
	})
}

func TestTokensThatAuthenticate(t *testing.T) {
	for name, tt := range map[string]struct {
		change map[string]string
		groups []string
	}{
		"plain":       {nil, []string{"system:bootstrappers"}},
		"more groups": {map[string]string{"auth-extra-groups": "system:bootstrappers:workers, system:bootstrappers:a:b"}, []string{"system:bootstrappers", "system:bootstrappers:workers", "system:bootstrappers:a:b"}},
		"not expired": {map[string]string{"expiration": time.Now().Add(time.Minute).Format(time.RFC3339)}, []string{"system:bootstrappers"}},
	} {
		t.Run(name, func(t *testing.T) {
			response, ok, err := authenticator(secret(tt.change)).AuthenticateToken(t.Context(), token)
			if err != nil || !ok {
				t.Fatalf("AuthenticateToken = %v, %v", ok, err)
			}
			if got, want := response.User.GetName(), "system:bootstrap:abcdef"; got != want {
				t.Errorf("user = %q, want %q", got, want)
			}
			if diff := cmp.Diff(tt.groups, response.User.GetGroups()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestTokensThatDoNot(t *testing.T) {
	wrongType, deleted := secret(nil), secret(nil)
	wrongType.Type = corev1.SecretTypeOpaque
	deleted.DeletionTimestamp = &metav1.Time{Time: time.Now()}
	for name, tt := range map[string]struct {
		secret *corev1.Secret
		token  string
	}{
		"wrong secret":         {secret(nil), "abcdef.0123456789abcdee"},
		"unknown":              {secret(nil), "abcdee.0123456789abcdef"},
		"not a token":          {secret(nil), "abcdef"},
		"path in the id":       {secret(nil), "../../.0123456789abcdef"},
		"other type of Secret": {wrongType, token},
		"being deleted":        {deleted, token},
		"other use":            {secret(map[string]string{"usage-bootstrap-authentication": "false"}), token},
		"no use":               {secret(map[string]string{"usage-bootstrap-authentication": ""}), token},
		"id of another":        {secret(map[string]string{"token-id": "fedcba"}), token},
		"empty secret":         {secret(map[string]string{"token-secret": ""}), "abcdef."},
		"expired":              {secret(map[string]string{"expiration": time.Now().Add(-time.Second).Format(time.RFC3339)}), token},
		"unreadable expiry":    {secret(map[string]string{"expiration": "tomorrow"}), token},
	} {
		t.Run(name, func(t *testing.T) {
			if response, ok, err := authenticator(tt.secret).AuthenticateToken(t.Context(), tt.token); ok || err != nil {
				t.Errorf("AuthenticateToken = %v, %v, %v, want no opinion", response, ok, err)
			}
		})
	}
}

func TestGroupsThatLiftTooHighAreRefused(t *testing.T) {
	for _, groups := range []string{"system:masters", "system:bootstrappers:ok,system:nodes", "system:bootstrappers:", "system:bootstrappers:UPPER"} {
		_, ok, err := authenticator(secret(map[string]string{"auth-extra-groups": groups})).AuthenticateToken(t.Context(), token)
		if ok || err == nil || !strings.Contains(err.Error(), "auth-extra-groups") {
			t.Errorf("%s: %v, %v", groups, ok, err)
		}
	}
}

func TestFailureToReadIsAnError(t *testing.T) {
	broken := errors.New("etcd is away")
	a := bootstrap.New(func(context.Context, string, string) (*corev1.Secret, error) { return nil, broken })
	if _, ok, err := a.AuthenticateToken(t.Context(), token); ok || !errors.Is(err, broken) {
		t.Errorf("AuthenticateToken = %v, %v", ok, err)
	}
}

func FuzzParseToken(f *testing.F) {
	for _, seed := range []string{token, "abcdef.", ".0123456789abcdef", "ABCDEF.0123456789abcdef", "abcdef.0123456789abcdef.x", "a\nb.c"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		id, secret, ok := bootstrap.ParseToken(text)
		if !ok {
			return
		}
		if id+"."+secret != text || len(id) != 6 || len(secret) != 16 {
			t.Errorf("ParseToken(%q) = %q, %q", text, id, secret)
		}
	})
}
