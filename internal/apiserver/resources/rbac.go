package resources

import (
	"context"
	"errors"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/authentication/user"
	genericrequest "k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/registry/rest"

	"github.com/causeway-access/causeway/internal/apiserver/registry"
)

// EscalationGuard keeps people from granting what they have not. A namespace
// is empty for what holds in all of them.
type EscalationGuard interface {
	// Role returns an error unless u may give the role these rules.
	Role(ctx context.Context, u user.Info, namespace, name string, rules []rbacv1.PolicyRule) error
	// Binding returns an error unless u may grant the role in namespace.
	Binding(ctx context.Context, u user.Info, namespace string, ref rbacv1.RoleRef) error
}

// rbac is rbac.authorization.k8s.io, with each write of a role or binding
// guarded against escalation.
func (b *builder) rbac() served {
	gv := rbacv1.SchemeGroupVersion
	roles := registry.Define[rbacv1.Role, rbacv1.RoleList](gv, "Role", "roles", "role")
	clusterRoles := registry.Define[rbacv1.ClusterRole, rbacv1.ClusterRoleList](gv, "ClusterRole", "clusterroles", "clusterrole")
	bindings := registry.Define[rbacv1.RoleBinding, rbacv1.RoleBindingList](gv, "RoleBinding", "rolebindings", "rolebinding")
	clusterBindings := registry.Define[rbacv1.ClusterRoleBinding, rbacv1.ClusterRoleBindingList](gv, "ClusterRoleBinding", "clusterrolebindings", "clusterrolebinding")
	clusterRoles.Namespaced, clusterBindings.Namespaced = false, false
	s := served{}
	for _, r := range []*registry.Resource{roles, clusterRoles, bindings, clusterBindings} {
		r.CreateOnUpdate = true
		store := b.rest(r)
		if b.err != nil {
			return nil
		}
		s[r.Plural] = &guardedREST{REST: store, guard: b.Escalation}
	}
	return s
}

// guardedREST asks the escalation guard before every write that changes
// what is granted.
type guardedREST struct {
	*registry.REST
	guard EscalationGuard
}

var _ rest.StandardStorage = &guardedREST{}

// Create implements [rest.Creater].
func (r *guardedREST) Create(ctx context.Context, obj runtime.Object, validate rest.ValidateObjectFunc, options *metav1.CreateOptions) (runtime.Object, error) {
	if err := r.confirm(ctx, obj); err != nil {
		return nil, r.forbidden(obj, err)
	}
	return r.REST.Create(ctx, obj, validate, options)
}

// Update implements [rest.Updater].
func (r *guardedREST) Update(ctx context.Context, name string, info rest.UpdatedObjectInfo, create rest.ValidateObjectFunc, update rest.ValidateObjectUpdateFunc, force bool, options *metav1.UpdateOptions) (runtime.Object, bool, error) {
	guarded := rest.WrapUpdatedObjectInfo(info, func(ctx context.Context, obj, old runtime.Object) (runtime.Object, error) {
		if sameGrant(obj, old) {
			return obj, nil
		}
		if err := r.confirm(ctx, obj); err != nil {
			return nil, r.forbidden(obj, err)
		}
		return obj, nil
	})
	return r.REST.Update(ctx, name, guarded, create, update, force, options)
}

// everything is what one must hold to let a role collect rules from others,
// since nobody knows which those will be.
var everything = []rbacv1.PolicyRule{
	{Verbs: []string{"*"}, APIGroups: []string{"*"}, Resources: []string{"*"}},
	{Verbs: []string{"*"}, NonResourceURLs: []string{"*"}},
}

// confirm asks the guard about one object.
func (r *guardedREST) confirm(ctx context.Context, obj runtime.Object) error {
	u, err := caller(ctx)
	if err != nil {
		return err
	}
	switch o := obj.(type) {
	case *rbacv1.Role:
		return r.guard.Role(ctx, u, namespaceOf(ctx, o), o.Name, o.Rules)
	case *rbacv1.ClusterRole:
		if o.AggregationRule != nil {
			if err := r.guard.Role(ctx, u, "", o.Name, everything); err != nil {
				return errors.New("must have cluster-admin privileges to use an aggregationRule")
			}
		}
		return r.guard.Role(ctx, u, "", o.Name, o.Rules)
	case *rbacv1.RoleBinding:
		return r.guard.Binding(ctx, u, namespaceOf(ctx, o), o.RoleRef)
	case *rbacv1.ClusterRoleBinding:
		return r.guard.Binding(ctx, u, "", o.RoleRef)
	}
	return nil
}

func namespaceOf(ctx context.Context, o metav1.Object) string {
	if ns, ok := genericrequest.NamespaceFrom(ctx); ok && ns != "" {
		return ns
	}
	return o.GetNamespace()
}

// sameGrant tells that an update changes nothing but metadata: the garbage
// collector removes owner references without holding every role's rules.
func sameGrant(obj, old runtime.Object) bool {
	same := equality.Semantic.DeepEqual
	switch o := obj.(type) {
	case *rbacv1.Role:
		then, ok := old.(*rbacv1.Role)
		return ok && then.ResourceVersion != "" && same(o.Rules, then.Rules)
	case *rbacv1.ClusterRole:
		then, ok := old.(*rbacv1.ClusterRole)
		return ok && then.ResourceVersion != "" && same(o.Rules, then.Rules) && same(o.AggregationRule, then.AggregationRule)
	case *rbacv1.RoleBinding:
		then, ok := old.(*rbacv1.RoleBinding)
		return ok && then.ResourceVersion != "" && same(o.RoleRef, then.RoleRef) && same(o.Subjects, then.Subjects)
	case *rbacv1.ClusterRoleBinding:
		then, ok := old.(*rbacv1.ClusterRoleBinding)
		return ok && then.ResourceVersion != "" && same(o.RoleRef, then.RoleRef) && same(o.Subjects, then.Subjects)
	}
	return false
}

func (r *guardedREST) forbidden(obj runtime.Object, err error) error {
	if apierrors.ReasonForError(err) != metav1.StatusReasonUnknown {
		return err
	}
	return apierrors.NewForbidden(r.DefaultQualifiedResource, obj.(metav1.Object).GetName(), err)
}
