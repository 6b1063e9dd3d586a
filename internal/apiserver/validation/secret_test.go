package validation_test

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"

	"github.com/causeway-access/causeway/internal/apiserver/validation"
)

const plainSecret = `{apiVersion: v1, kind: Secret, metadata: {name: s, namespace: default}, data: {a: YQ==}}`

func TestSecretIsRefusedWhenCreated(t *testing.T) {
	typed := func(kind corev1.SecretType, data map[string]string) func(*corev1.Secret) {
		return func(s *corev1.Secret) {
			s.Type, s.Data = kind, map[string][]byte{}
			for key, value := range data {
				s.Data[key] = []byte(value)
			}
		}
	}
	creations(t, core("secrets"), plainSecret, []change[*corev1.Secret]{
		{"bad key", func(s *corev1.Secret) { s.Data["a/b"] = nil }, []string{invalid + " data[a/b]"}},
		{"key that leads out of a directory", func(s *corev1.Secret) { s.Data["..x"] = nil }, []string{invalid + " data[..x]"}},
		{"1 MiB", func(s *corev1.Secret) { s.Data["a"] = make([]byte, corev1.MaxSecretSize) }, nil},
		{"more than 1 MiB", func(s *corev1.Secret) { s.Data["a"] = make([]byte, corev1.MaxSecretSize+1) }, []string{long + " data"}},
		{"token of nobody", typed(corev1.SecretTypeServiceAccountToken, nil), []string{required + " metadata.annotations[kubernetes.io/service-account.name]"}},
		{"token of an account", func(s *corev1.Secret) {
			s.Type, s.Annotations = corev1.SecretTypeServiceAccountToken, map[string]string{corev1.ServiceAccountNameKey: "default"}
		}, nil},
		{"registry without key", typed(corev1.SecretTypeDockerConfigJson, nil), []string{required + " data[.dockerconfigjson]"}},
		{"registry that is no JSON", typed(corev1.SecretTypeDockerConfigJson, map[string]string{".dockerconfigjson": "x"}), []string{invalid + " data[.dockerconfigjson]"}},
		{"registry", typed(corev1.SecretTypeDockerConfigJson, map[string]string{".dockerconfigjson": "{}"}), nil},
		{"old registry that is no JSON", typed(corev1.SecretTypeDockercfg, map[string]string{".dockercfg": "[]"}), []string{invalid + " data[.dockercfg]"}},
		{"basic without both", typed(corev1.SecretTypeBasicAuth, nil), []string{required + " data[password]", required + " data[username]"}},
		{"basic without password", typed(corev1.SecretTypeBasicAuth, map[string]string{"username": ""}), nil},
		{"ssh without key", typed(corev1.SecretTypeSSHAuth, map[string]string{"ssh-privatekey": ""}), []string{required + " data[ssh-privatekey]"}},
		{"TLS without key", typed(corev1.SecretTypeTLS, map[string]string{"tls.crt": ""}), []string{required + " data[tls.key]"}},
		{"a type of one's own", typed("example.org/x", nil), nil},
	})
}

func TestSecretErrorDoesNotTellTheSecret(t *testing.T) {
	s := base[*corev1.Secret](t, plainSecret)
	s.Type, s.Data = corev1.SecretTypeDockerConfigJson, map[string][]byte{".dockerconfigjson": []byte("hunter2")}
	errs := validation.For(core("secrets")).Create(s)
	if text := errs.ToAggregate().Error(); strings.Contains(text, "hunter2") {
		t.Errorf("the error shows the contents: %s", text)
	}
}

func TestSecretUpdate(t *testing.T) {
	old := stored[*corev1.Secret](t, plainSecret)
	updates(t, validation.For(core("secrets")).Update, old, []change[*corev1.Secret]{
		{"data", func(s *corev1.Secret) { s.Data["a"] = []byte("b") }, nil},
		{"type", func(s *corev1.Secret) { s.Type = "example.org/x" }, []string{invalid + " type"}},
		{"made immutable", func(s *corev1.Secret) { s.Immutable = ptr.To(true) }, nil},
	})
	old.Immutable = ptr.To(true)
	updates(t, validation.For(core("secrets")).Update, old, []change[*corev1.Secret]{
		{"labels of an immutable one", func(s *corev1.Secret) { s.Labels = map[string]string{"a": "b"} }, nil},
		{"data of an immutable one", func(s *corev1.Secret) { s.Data["a"] = []byte("b") }, []string{forbidden + " data"}},
		{"made mutable again", func(s *corev1.Secret) { s.Immutable = ptr.To(false) }, []string{forbidden + " immutable"}},
	})
}

const plainConfigMap = `{apiVersion: v1, kind: ConfigMap, metadata: {name: c, namespace: default}, data: {a: b}, binaryData: {c: YQ==}}`

func TestConfigMapIsRefusedWhenCreated(t *testing.T) {
	creations(t, core("configmaps"), plainConfigMap, []change[*corev1.ConfigMap]{
		{"bad key", func(c *corev1.ConfigMap) { c.Data["a b"] = "" }, []string{invalid + " data[a b]"}},
		{"bad binary key", func(c *corev1.ConfigMap) { c.BinaryData["a b"] = nil }, []string{invalid + " binaryData[a b]"}},
		{"key in both", func(c *corev1.ConfigMap) { c.Data["c"] = "" }, []string{invalid + " data[c]"}},
		{"too large together", func(c *corev1.ConfigMap) {
			c.Data["a"], c.BinaryData["c"] = strings.Repeat("x", corev1.MaxSecretSize), []byte{1}
		}, []string{long + " []"}},
	})
}

func TestConfigMapUpdate(t *testing.T) {
	old := stored[*corev1.ConfigMap](t, plainConfigMap)
	old.Immutable = ptr.To(true)
	updates(t, validation.For(core("configmaps")).Update, old, []change[*corev1.ConfigMap]{
		{"labels", func(c *corev1.ConfigMap) { c.Labels = map[string]string{"a": "b"} }, nil},
		{"data", func(c *corev1.ConfigMap) { c.Data["a"] = "c" }, []string{forbidden + " data"}},
		{"binary data", func(c *corev1.ConfigMap) { c.BinaryData = nil }, []string{forbidden + " binaryData"}},
		{"made mutable again", func(c *corev1.ConfigMap) { c.Immutable = nil }, []string{forbidden + " immutable"}},
	})
}
