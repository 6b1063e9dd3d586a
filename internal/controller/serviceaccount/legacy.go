package serviceaccount

import (
	"context"
	"fmt"
	"hash/fnv"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utilrand "k8s.io/apimachinery/pkg/util/rand"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"

	"github.com/causeway-access/causeway/internal/controller"
)

// legacy makes a token Secret for each account and lists it in the account, as
// Kubernetes did before 1.24. Its key is the account's name. The Secret is
// made here and filled by tokens.
type legacy struct {
	client   kubernetes.Interface
	accounts corelisters.ServiceAccountLister
	secrets  cache.Indexer
}

func newLegacy(config controller.Config) (controller.Controller, error) {
	core := config.Informers.Core().V1()
	secrets := core.Secrets().Informer()
	l := &legacy{client: config.Client, accounts: core.ServiceAccounts().Lister(), secrets: secrets.GetIndexer()}
	if err := indexByAccount(secrets); err != nil {
		return nil, err
	}
	loop := controller.NewLoop("legacy-tokens", 2, config.For("legacy-tokens"), l.reconcile)
	if err := controller.Watch(loop, core.ServiceAccounts().Informer(), controller.KeyOf[*corev1.ServiceAccount]); err != nil {
		return nil, err
	}
	if err := controller.Watch(loop, secrets, func(secret *corev1.Secret) []cache.ObjectName {
		account := secret.Annotations[corev1.ServiceAccountNameKey]
		if secret.Type != corev1.SecretTypeServiceAccountToken || account == "" {
			return nil
		}
		return []cache.ObjectName{cache.NewObjectName(secret.Namespace, account)}
	}); err != nil {
		return nil, err
	}
	return loop, nil
}

func (l *legacy) reconcile(ctx context.Context, name cache.ObjectName) error {
	account, err := l.accounts.ServiceAccounts(name.Namespace).Get(name.Name)
	if apierrors.IsNotFound(err) || (err == nil && account.DeletionTimestamp != nil) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading account %s: %w", name, err)
	}
	if l.complete(account) {
		return nil
	}
	return controller.IgnoreGone(l.repair(ctx, name))
}

// complete reports that account lists a token Secret that exists, and not ours
// if that does not. It asks the caches.
func (l *legacy) complete(account *corev1.ServiceAccount) bool {
	existing := secretsOf(l.secrets, account)
	ours, listed := tokenName(account), false
	for _, reference := range account.Secrets {
		exists := slices.Contains(existing, cache.NewObjectName(account.Namespace, reference.Name))
		if reference.Name == ours && !exists {
			return false
		}
		listed = listed || exists
	}
	return listed
}

// repair does it again on what the API says now, not on what the caches say,
// so that a cache which is behind makes no second Secret.
func (l *legacy) repair(ctx context.Context, name cache.ObjectName) error {
	accounts := l.client.CoreV1().ServiceAccounts(name.Namespace)
	account, err := accounts.Get(ctx, name.Name, metav1.GetOptions{})
	if err != nil {
		return fmt.Errorf("reading account %s: %w", name, err)
	}
	existing, err := l.existing(ctx, account)
	if err != nil {
		return err
	}
	ours := tokenName(account)
	kept := slices.DeleteFunc(slices.Clone(account.Secrets), func(reference corev1.ObjectReference) bool {
		return reference.Name == ours && !slices.Contains(existing, ours)
	})
	if !slices.ContainsFunc(kept, func(reference corev1.ObjectReference) bool {
		return slices.Contains(existing, reference.Name)
	}) {
		if !slices.Contains(existing, ours) {
			if _, err := l.createSecret(ctx, account); err != nil {
				return err
			}
		}
		kept = append(kept, corev1.ObjectReference{Name: ours})
	}
	if slices.Equal(kept, account.Secrets) {
		return nil
	}
	account.Secrets = kept
	if _, err := accounts.Update(ctx, account, metav1.UpdateOptions{}); err != nil {
		return fmt.Errorf("listing the token secret in account %s: %w", name, err)
	}
	return nil
}

// existing is the names of the token Secrets that account has, read live.
func (l *legacy) existing(ctx context.Context, account *corev1.ServiceAccount) ([]string, error) {
	secrets, err := l.client.CoreV1().Secrets(account.Namespace).List(ctx, metav1.ListOptions{
		FieldSelector: "type=" + string(corev1.SecretTypeServiceAccountToken),
	})
	if err != nil {
		return nil, fmt.Errorf("listing token secrets of account %s/%s: %w", account.Namespace, account.Name, err)
	}
	var names []string
	for i := range secrets.Items {
		secret := &secrets.Items[i]
		if secret.Type == corev1.SecretTypeServiceAccountToken && secret.DeletionTimestamp == nil &&
			secret.Annotations[corev1.ServiceAccountNameKey] == account.Name && boundTo(secret, account) {
			names = append(names, secret.Name)
		}
	}
	return names, nil
}

// createSecret makes the token Secret of account and returns its name.
func (l *legacy) createSecret(ctx context.Context, account *corev1.ServiceAccount) (string, error) {
	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{
			Name:      tokenName(account),
			Namespace: account.Namespace,
			Annotations: map[string]string{
				corev1.ServiceAccountNameKey: account.Name,
				corev1.ServiceAccountUIDKey:  string(account.UID),
			},
		},
		Type: corev1.SecretTypeServiceAccountToken,
	}
	if _, err := l.client.CoreV1().Secrets(account.Namespace).Create(ctx, secret, metav1.CreateOptions{}); err != nil {
		return "", fmt.Errorf("creating the token secret of account %s/%s: %w", account.Namespace, account.Name, err)
	}
	return secret.Name, nil
}

// tokenName is NAME-token-xxxxx, as people know it. The end is made from the
// account's UID instead of chance, so that two servers which do this at once,
// or one that was killed half-way, make one Secret and not two.
func tokenName(account *corev1.ServiceAccount) string {
	hash := fnv.New64a()
	hash.Write([]byte(account.UID))
	return account.Name + "-token-" + utilrand.SafeEncodeString(fmt.Sprintf("%016x", hash.Sum64()))[:5]
}
