package serviceaccount

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"

	"github.com/causeway-access/causeway/internal/controller"
)

// accounts keeps the default account of each namespace. Its key is the
// namespace's name.
type accounts struct {
	client     kubernetes.Interface
	namespaces corelisters.NamespaceLister
	accounts   corelisters.ServiceAccountLister
}

func newAccounts(config controller.Config) (controller.Controller, error) {
	core := config.Informers.Core().V1()
	a := &accounts{
		client:     config.Client,
		namespaces: core.Namespaces().Lister(),
		accounts:   core.ServiceAccounts().Lister(),
	}
	loop := controller.NewLoop("serviceaccount-default", 2, config.For("serviceaccount-default"), a.reconcile)
	if err := controller.Watch(loop, core.Namespaces().Informer(), activeNamespace); err != nil {
		return nil, err
	}
	if err := controller.Watch(loop, core.ServiceAccounts().Informer(), func(account *corev1.ServiceAccount) []string {
		if account.Name != DefaultAccount {
			return nil
		}
		return []string{account.Namespace}
	}); err != nil {
		return nil, err
	}
	return loop, nil
}

// activeNamespace is the key of the loops that keep something in a namespace.
func activeNamespace(namespace *corev1.Namespace) []string {
	if namespace.DeletionTimestamp != nil {
		return nil
	}
	return []string{namespace.Name}
}

func (a *accounts) reconcile(ctx context.Context, namespace string) error {
	if gone, err := namespaceGone(a.namespaces, namespace); gone || err != nil {
		return err
	}
	_, err := a.accounts.ServiceAccounts(namespace).Get(DefaultAccount)
	if !apierrors.IsNotFound(err) {
		return err
	}
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: DefaultAccount, Namespace: namespace}}
	_, err = a.client.CoreV1().ServiceAccounts(namespace).Create(ctx, account, metav1.CreateOptions{})
	if err == nil || apierrors.IsAlreadyExists(err) {
		return nil
	}
	return controller.IgnoreGone(fmt.Errorf("creating account %s/%s: %w", namespace, DefaultAccount, err))
}

// namespaceGone reports that namespace is gone or going.
func namespaceGone(namespaces corelisters.NamespaceLister, name string) (bool, error) {
	namespace, err := namespaces.Get(name)
	if apierrors.IsNotFound(err) {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("reading namespace %s: %w", name, err)
	}
	return namespace.DeletionTimestamp != nil, nil
}
