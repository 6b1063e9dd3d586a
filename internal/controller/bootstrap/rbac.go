package bootstrap

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/component-helpers/auth/rbac/reconciliation"
)

// listedRoles answers from one list what would be a request for each role.
type listedRoles struct {
	reconciliation.RuleOwnerModifier
	byName map[string]*rbacv1.ClusterRole
}

func (l listedRoles) Get(_, name string) (reconciliation.RuleOwner, error) {
	if role := l.byName[name]; role != nil {
		return reconciliation.ClusterRoleRuleOwner{ClusterRole: role}, nil
	}
	return nil, apierrors.NewNotFound(rbacv1.Resource("clusterroles"), name)
}

// ensureClusterRoles adds missing roles, and missing rules to roles.
func (b *bootstrap) ensureClusterRoles(ctx context.Context) error {
	client := b.client.RbacV1().ClusterRoles()
	existing, err := client.List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("listing cluster roles: %w", err)
	}
	listed := listedRoles{reconciliation.ClusterRoleModifier{Client: client}, map[string]*rbacv1.ClusterRole{}}
	for i := range existing.Items {
		listed.byName[existing.Items[i].Name] = &existing.Items[i]
	}
	return each(clusterRoles(), func(role *rbacv1.ClusterRole) error {
		markDefault(&role.ObjectMeta)
		_, err := (&reconciliation.ReconcileRoleOptions{
			Role:    reconciliation.ClusterRoleRuleOwner{ClusterRole: role},
			Client:  listed,
			Confirm: true,
		}).Run()
		if err != nil {
			return fmt.Errorf("keeping cluster role %s: %w", role.Name, err)
		}
		return nil
	})
}

// listedBindings is listedRoles for bindings.
type listedBindings struct {
	reconciliation.RoleBindingModifier
	byName map[string]*rbacv1.ClusterRoleBinding
}

func (l listedBindings) Get(_, name string) (reconciliation.RoleBinding, error) {
	if binding := l.byName[name]; binding != nil {
		return reconciliation.ClusterRoleBindingAdapter{ClusterRoleBinding: binding}, nil
	}
	return nil, apierrors.NewNotFound(rbacv1.Resource("clusterrolebindings"), name)
}

// ensureClusterRoleBindings adds missing bindings, and missing subjects to
// bindings.
func (b *bootstrap) ensureClusterRoleBindings(ctx context.Context) error {
	client := b.client.RbacV1().ClusterRoleBindings()
	existing, err := client.List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("listing cluster role bindings: %w", err)
	}
	listed := listedBindings{reconciliation.ClusterRoleBindingClientAdapter{Client: client}, map[string]*rbacv1.ClusterRoleBinding{}}
	for i := range existing.Items {
		listed.byName[existing.Items[i].Name] = &existing.Items[i]
	}
	return each(clusterRoleBindings(), func(binding *rbacv1.ClusterRoleBinding) error {
		markDefault(&binding.ObjectMeta)
		_, err := (&reconciliation.ReconcileRoleBindingOptions{
			RoleBinding: reconciliation.ClusterRoleBindingAdapter{ClusterRoleBinding: binding},
			Client:      listed,
			Confirm:     true,
		}).Run()
		if err != nil {
			return fmt.Errorf("keeping cluster role binding %s: %w", binding.Name, err)
		}
		return nil
	})
}

// ensureRoles adds the roles and bindings inside namespaces. They are few.
func (b *bootstrap) ensureRoles(context.Context) error {
	namespaces := b.client.CoreV1().Namespaces()
	if err := each(roles(), func(role *rbacv1.Role) error {
		markDefault(&role.ObjectMeta)
		_, err := (&reconciliation.ReconcileRoleOptions{
			Role:    reconciliation.RoleRuleOwner{Role: role},
			Client:  reconciliation.RoleModifier{Client: b.client.RbacV1(), NamespaceClient: namespaces},
			Confirm: true,
		}).Run()
		if err != nil {
			return fmt.Errorf("keeping role %s/%s: %w", role.Namespace, role.Name, err)
		}
		return nil
	}); err != nil {
		return err
	}
	return each(roleBindings(), func(binding *rbacv1.RoleBinding) error {
		markDefault(&binding.ObjectMeta)
		_, err := (&reconciliation.ReconcileRoleBindingOptions{
			RoleBinding: reconciliation.RoleBindingAdapter{RoleBinding: binding},
			Client:      reconciliation.RoleBindingClientAdapter{Client: b.client.RbacV1(), NamespaceClient: namespaces},
			Confirm:     true,
		}).Run()
		if err != nil {
			return fmt.Errorf("keeping role binding %s/%s: %w", binding.Namespace, binding.Name, err)
		}
		return nil
	})
}

// markDefault says, as Kubernetes does, that an object is put right at each
// start unless somebody sets the annotation to "false".
func markDefault(meta *metav1.ObjectMeta) {
	metav1.SetMetaDataLabel(meta, "kubernetes.io/bootstrapping", "rbac-defaults")
	metav1.SetMetaDataAnnotation(meta, rbacv1.AutoUpdateAnnotationKey, "true")
}

// each calls f for all items, several at once.
func each[T any](items []T, f func(*T) error) error {
	var work errgroup.Group
	work.SetLimit(parallel)
	for i := range items {
		work.Go(func() error { return f(&items[i]) })
	}
	return work.Wait()
}
