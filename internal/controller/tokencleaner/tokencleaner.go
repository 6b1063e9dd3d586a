// Package tokencleaner deletes the Secrets of bootstrap tokens when the tokens
// expire. (The authenticator refuses them from that moment in any case.)
//
// Floor 2: a client of the API only.
package tokencleaner

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/utils/ptr"

	"github.com/causeway-access/causeway/internal/controller"
)

const (
	secretType    corev1.SecretType = "bootstrap.kubernetes.io/token"
	expirationKey                   = "expiration"
)

type cleaner struct {
	client  kubernetes.Interface
	secrets corelisters.SecretNamespaceLister
	loop    *controller.Loop[string]
}

// New makes the controller.
func New(config controller.Config) (controller.Controller, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	secrets := config.Informers.Core().V1().Secrets()
	c := &cleaner{client: config.Client, secrets: secrets.Lister().Secrets(metav1.NamespaceSystem)}
	c.loop = controller.NewLoop("tokencleaner", 1, config.For("tokencleaner"), c.reconcile)
	if err := controller.Watch(c.loop, secrets.Informer(), func(secret *corev1.Secret) []string {
		if secret.Namespace != metav1.NamespaceSystem || secret.Type != secretType {
			return nil
		}
		return []string{secret.Name}
	}); err != nil {
		return nil, err
	}
	return c.loop, nil
}

func (c *cleaner) reconcile(ctx context.Context, name string) error {
	secret, err := c.secrets.Get(name)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading secret %s: %w", name, err)
	}
	text := secret.Data[expirationKey]
	if len(text) == 0 || secret.DeletionTimestamp != nil {
		return nil
	}
	expiry, err := time.Parse(time.RFC3339, string(text))
	if err != nil {
		// A date that cannot be read is no reason to keep a credential for
		// ever: the authenticator does not accept it either.
		expiry = time.Time{}
	}
	if left := time.Until(expiry); left > 0 {
		c.loop.AddAfter(name, left)
		return nil
	}
	err = c.client.CoreV1().Secrets(metav1.NamespaceSystem).Delete(ctx, name, metav1.DeleteOptions{
		Preconditions: &metav1.Preconditions{UID: ptr.To(secret.UID), ResourceVersion: ptr.To(secret.ResourceVersion)},
	})
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("deleting the secret of expired bootstrap token %s: %w", name, err)
	}
	return nil
}
