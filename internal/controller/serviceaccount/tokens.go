package serviceaccount

import (
	"bytes"
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"

	"github.com/causeway-access/causeway/internal/controller"
)

// byAccount indexes token Secrets by namespace/name of their account.
const byAccount = "causeway.byServiceAccount"

// tokens fills the Secrets of type kubernetes.io/service-account-token and
// deletes those whose account is gone. Its key is the Secret's name.
type tokens struct {
	client   kubernetes.Interface
	accounts corelisters.ServiceAccountLister
	secrets  corelisters.SecretLister
	rootCA   []byte
	issuer   Issuer
}

func newTokens(config controller.Config, own Config) (controller.Controller, error) {
	core := config.Informers.Core().V1()
	secrets := core.Secrets().Informer()
	t := &tokens{
		client:   config.Client,
		accounts: core.ServiceAccounts().Lister(),
		secrets:  core.Secrets().Lister(),
		rootCA:   own.RootCA,
		issuer:   own.Tokens,
	}
	if err := indexByAccount(secrets); err != nil {
		return nil, err
	}
	loop := controller.NewLoop("token-secrets", 2, config.For("token-secrets"), t.reconcile)
	if err := controller.Watch(loop, secrets, func(secret *corev1.Secret) []cache.ObjectName {
		if secret.Type != corev1.SecretTypeServiceAccountToken {
			return nil
		}
		return controller.KeyOf(secret)
	}); err != nil {
		return nil, err
	}
	if err := controller.Watch(loop, core.ServiceAccounts().Informer(), func(account *corev1.ServiceAccount) []cache.ObjectName {
		return secretsOf(secrets.GetIndexer(), account)
	}); err != nil {
		return nil, err
	}
	return loop, nil
}

// indexByAccount adds the index to the shared informer, once.
func indexByAccount(secrets cache.SharedIndexInformer) error {
	if _, ok := secrets.GetIndexer().GetIndexers()[byAccount]; ok {
		return nil
	}
	err := secrets.AddIndexers(cache.Indexers{byAccount: func(obj any) ([]string, error) {
		secret, ok := obj.(*corev1.Secret)
		if !ok || secret.Type != corev1.SecretTypeServiceAccountToken {
			return nil, nil
		}
		account := secret.Annotations[corev1.ServiceAccountNameKey]
		return []string{cache.NewObjectName(secret.Namespace, account).String()}, nil
	}})
	if err != nil {
		return fmt.Errorf("configuring controller serviceaccount: indexing secrets: %w", err)
	}
	return nil
}

// secretsOf is the names of the token Secrets which name account.
func secretsOf(secrets cache.Indexer, account *corev1.ServiceAccount) []cache.ObjectName {
	found, err := secrets.ByIndex(byAccount, cache.MetaObjectToName(account).String())
	if err != nil {
		return nil // the index exists: newTokens made it
	}
	var names []cache.ObjectName
	for _, obj := range found {
		if secret, ok := obj.(*corev1.Secret); ok {
			names = append(names, cache.MetaObjectToName(secret))
		}
	}
	return names
}

func (t *tokens) reconcile(ctx context.Context, name cache.ObjectName) error {
	secret, err := t.secrets.Secrets(name.Namespace).Get(name.Name)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading secret %s: %w", name, err)
	}
	accountName := secret.Annotations[corev1.ServiceAccountNameKey]
	if secret.DeletionTimestamp != nil || accountName == "" {
		return nil
	}
	account, err := t.account(ctx, secret.Namespace, accountName)
	if err != nil {
		return err
	}
	if account == nil || !boundTo(secret, account) {
		return t.delete(ctx, secret)
	}
	return t.fill(ctx, account, secret)
}

// account is the account called name, or nil if there is none. Its absence is
// asked of the API itself, since a Secret is deleted for it.
func (t *tokens) account(ctx context.Context, namespace, name string) (*corev1.ServiceAccount, error) {
	account, err := t.accounts.ServiceAccounts(namespace).Get(name)
	if apierrors.IsNotFound(err) {
		account, err = t.client.CoreV1().ServiceAccounts(namespace).Get(ctx, name, metav1.GetOptions{})
	}
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading account %s/%s: %w", namespace, name, err)
	}
	return account, nil
}

// boundTo reports false if the secret was made for an earlier account of the
// same name.
func boundTo(secret *corev1.Secret, account *corev1.ServiceAccount) bool {
	uid := secret.Annotations[corev1.ServiceAccountUIDKey]
	return uid == "" || types.UID(uid) == account.UID
}

func (t *tokens) delete(ctx context.Context, secret *corev1.Secret) error {
	err := t.client.CoreV1().Secrets(secret.Namespace).Delete(ctx, secret.Name, metav1.DeleteOptions{
		Preconditions: &metav1.Preconditions{UID: &secret.UID},
	})
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("deleting token secret %s/%s of a deleted account: %w", secret.Namespace, secret.Name, err)
	}
	return nil
}

// fill writes what is missing or wrong in secret.
func (t *tokens) fill(ctx context.Context, account *corev1.ServiceAccount, secret *corev1.Secret) error {
	hasToken := len(secret.Data[corev1.ServiceAccountTokenKey]) > 0
	complete := hasToken &&
		bytes.Equal(secret.Data[corev1.ServiceAccountRootCAKey], t.rootCA) &&
		string(secret.Data[corev1.ServiceAccountNamespaceKey]) == secret.Namespace &&
		secret.Annotations[corev1.ServiceAccountUIDKey] == string(account.UID)
	if complete {
		return nil
	}
	filled := secret.DeepCopy()
	if filled.Data == nil {
		filled.Data = map[string][]byte{}
	}
	if !hasToken {
		token, err := t.issuer.Issue(account, secret)
		if err != nil {
			return fmt.Errorf("issuing the token of secret %s/%s: %w", secret.Namespace, secret.Name, err)
		}
		filled.Data[corev1.ServiceAccountTokenKey] = []byte(token)
	}
	filled.Data[corev1.ServiceAccountRootCAKey] = t.rootCA
	filled.Data[corev1.ServiceAccountNamespaceKey] = []byte(secret.Namespace)
	metav1.SetMetaDataAnnotation(&filled.ObjectMeta, corev1.ServiceAccountUIDKey, string(account.UID))
	if _, err := t.client.CoreV1().Secrets(secret.Namespace).Update(ctx, filled, metav1.UpdateOptions{}); err != nil {
		return controller.IgnoreGone(fmt.Errorf("filling token secret %s/%s: %w", secret.Namespace, secret.Name, err))
	}
	return nil
}
