package bootstrap

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// systemNamespaces are those that a cluster always has.
func systemNamespaces() []string {
	return []string{metav1.NamespaceDefault, metav1.NamespaceSystem, metav1.NamespacePublic, corev1.NamespaceNodeLease}
}

func (b *bootstrap) ensureNamespaces(ctx context.Context) error {
	existing, err := b.client.CoreV1().Namespaces().List(ctx, metav1.ListOptions{ResourceVersion: "0"})
	if err != nil {
		return fmt.Errorf("listing namespaces: %w", err)
	}
	have := map[string]bool{}
	for i := range existing.Items {
		have[existing.Items[i].Name] = true
	}
	work, ctx := errgroup.WithContext(ctx)
	for _, name := range systemNamespaces() {
		if have[name] {
			continue
		}
		work.Go(func() error {
			namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
			_, err := b.client.CoreV1().Namespaces().Create(ctx, namespace, metav1.CreateOptions{})
			if err != nil && !apierrors.IsAlreadyExists(err) {
				return fmt.Errorf("creating namespace %s: %w", name, err)
			}
			return nil
		})
	}
	return work.Wait()
}
