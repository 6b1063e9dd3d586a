// Package bootstrapsigner signs the config map kube-public/cluster-info with
// each bootstrap token that allows it. A machine that is about to join and has
// a token can then tell that what it reads there, over a connection it cannot
// verify yet, was written by a cluster that knows the token.
//
// Floor 2: a client of the API only.
package bootstrapsigner

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"maps"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"

	"github.com/causeway-access/causeway/internal/controller"
)

const (
	configMapName = "cluster-info"
	kubeconfigKey = "kubeconfig"

	// signaturePrefix and a token's ID are the key of its signature.
	signaturePrefix = "jws-kubeconfig-"

	secretType corev1.SecretType = "bootstrap.kubernetes.io/token"
)

type signer struct {
	client     kubernetes.Interface
	configMaps corelisters.ConfigMapNamespaceLister
	secrets    corelisters.SecretNamespaceLister
	loop       *controller.Loop[string]
}

// New makes the controller.
func New(config controller.Config) (controller.Controller, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	core := config.Informers.Core().V1()
	s := &signer{
		client:     config.Client,
		configMaps: core.ConfigMaps().Lister().ConfigMaps(metav1.NamespacePublic),
		secrets:    core.Secrets().Lister().Secrets(metav1.NamespaceSystem),
	}
	s.loop = controller.NewLoop("bootstrapsigner", 1, config.For("bootstrapsigner"), s.reconcile)
	if err := controller.Watch(s.loop, core.ConfigMaps().Informer(), func(configMap *corev1.ConfigMap) []string {
		if configMap.Namespace != metav1.NamespacePublic || configMap.Name != configMapName {
			return nil
		}
		return []string{configMapName}
	}); err != nil {
		return nil, err
	}
	if err := controller.Watch(s.loop, core.Secrets().Informer(), func(secret *corev1.Secret) []string {
		if secret.Namespace != metav1.NamespaceSystem || secret.Type != secretType {
			return nil
		}
		return []string{configMapName}
	}); err != nil {
		return nil, err
	}
	return s.loop, nil
}

func (s *signer) reconcile(ctx context.Context, _ string) error {
	current, err := s.configMaps.Get(configMapName)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading config map %s: %w", configMapName, err)
	}
	content, ok := current.Data[kubeconfigKey]
	if !ok {
		return nil
	}
	data := maps.Clone(current.Data)
	maps.DeleteFunc(data, func(key, _ string) bool { return strings.HasPrefix(key, signaturePrefix) })
	if err := s.sign(data, content); err != nil {
		return err
	}
	if maps.Equal(data, current.Data) {
		return nil
	}
	signed := current.DeepCopy()
	signed.Data = data
	if _, err := s.client.CoreV1().ConfigMaps(metav1.NamespacePublic).Update(ctx, signed, metav1.UpdateOptions{}); err != nil {
		return controller.IgnoreGone(fmt.Errorf("writing the signatures of config map %s: %w", configMapName, err))
	}
	return nil
}

// sign adds to data a signature of content for each token that allows it.
func (s *signer) sign(data map[string]string, content string) error {
	secrets, err := s.secrets.List(labels.Everything())
	if err != nil {
		return fmt.Errorf("listing bootstrap tokens: %w", err)
	}
	for _, secret := range secrets {
		id, key := string(secret.Data["token-id"]), secret.Data["token-secret"]
		if !s.signs(secret) || id == "" || len(key) == 0 || secret.Name != "bootstrap-token-"+id {
			continue
		}
		data[signaturePrefix+id] = detached(content, id, key)
	}
	return nil
}

// signs reports that the token of secret lives and may be used to sign. It
// comes back when the token expires.
func (s *signer) signs(secret *corev1.Secret) bool {
	if secret.Type != secretType || secret.DeletionTimestamp != nil || string(secret.Data["usage-bootstrap-signing"]) != "true" {
		return false
	}
	text := string(secret.Data["expiration"])
	if text == "" {
		return true
	}
	expiry, err := time.Parse(time.RFC3339, text)
	left := time.Until(expiry)
	if err != nil || left <= 0 {
		return false
	}
	s.loop.AddAfter(configMapName, left)
	return true
}

// detached is the JSON Web Signature of content by HMAC with SHA-256, in
// compact form with the content left out (RFC 7515, appendix F). The key is the
// secret half of the token, as kubeadm has it.
func detached(content, id string, key []byte) string {
	encode := base64.RawURLEncoding.EncodeToString
	header := encode([]byte(fmt.Sprintf(`{"alg":"HS256","kid":%q}`, id)))
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(header + "." + encode([]byte(content))))
	return header + ".." + encode(mac.Sum(nil))
}
