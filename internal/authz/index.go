package authz

import (
	"fmt"

	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apiserver/pkg/authentication/serviceaccount"
	"k8s.io/apiserver/pkg/authentication/user"
)

const (
	kindRole        = "Role"
	kindClusterRole = "ClusterRole"
)

// index is all of RBAC at one moment. It is immutable; parts that did not change
// are shared with the index before it. Roles are found through their binding
// when a request is judged, so that a changed role costs no rebuilding of the
// bindings that name it.
type index struct {
	clusterRoles map[string]*role
	cluster      bindings
	namespaces   map[string]*namespace
}

type namespace struct {
	roles    map[string]*role
	bindings bindings
}

// bindings says what has been granted to whom, in one namespace or everywhere.
type bindings struct {
	users  map[string][]grant
	groups map[string][]grant
}

// grant is one binding, seen from one of its subjects.
type grant struct {
	ref rbacv1.RoleRef
	// namespace of the binding, empty for a ClusterRoleBinding.
	namespace string
	// binding is its name, which is unique within the namespace.
	binding string
	// allowed is the reason to give.
	allowed string
}

func (b *bindings) add(namespace, name string, ref rbacv1.RoleRef, subjects []rbacv1.Subject) {
	for _, subject := range subjects {
		g := grant{ref: ref, namespace: namespace, binding: name, allowed: describe(namespace, name, ref, subject)}
		switch subject.Kind {
		case rbacv1.UserKind:
			b.users[subject.Name] = append(b.users[subject.Name], g)
		case rbacv1.GroupKind:
			b.groups[subject.Name] = append(b.groups[subject.Name], g)
		case rbacv1.ServiceAccountKind:
			in := subject.Namespace
			if in == "" {
				in = namespace
			}
			if in != "" {
				who := serviceaccount.MakeUsername(in, subject.Name)
				b.users[who] = append(b.users[who], g)
			}
		}
	}
}

func newBindings() bindings {
	return bindings{users: map[string][]grant{}, groups: map[string][]grant{}}
}

// describe gives the reason in the words that audit logs are searched for.
func describe(namespace, name string, ref rbacv1.RoleRef, subject rbacv1.Subject) string {
	kind := "ClusterRoleBinding"
	if namespace != "" {
		kind, name = "RoleBinding", name+"/"+namespace
	}
	who := subject.Name
	if subject.Kind == rbacv1.ServiceAccountKind {
		in := subject.Namespace
		if in == "" {
			in = namespace
		}
		who += "/" + in
	}
	return fmt.Sprintf("RBAC: allowed by %s %q of %s %q to %s %q", kind, name, ref.Kind, ref.Name, subject.Kind, who)
}

// visit calls use with every grant to the user that counts in the namespace,
// cluster-wide ones first, until use returns false.
func (x *index) visit(u user.Info, in string, use func(*grant) bool) {
	if !x.cluster.visit(u, use) || in == "" {
		return
	}
	if ns := x.namespaces[in]; ns != nil {
		ns.bindings.visit(u, use)
	}
}

func (b *bindings) visit(u user.Info, use func(*grant) bool) bool {
	if !each(b.users[u.GetName()], use) {
		return false
	}
	for _, group := range u.GetGroups() {
		if !each(b.groups[group], use) {
			return false
		}
	}
	return true
}

func each(grants []grant, use func(*grant) bool) bool {
	for i := range grants {
		if !use(&grants[i]) {
			return false
		}
	}
	return true
}

// role finds what a binding in the namespace refers to; the error is the API's.
func (x *index) role(in string, ref rbacv1.RoleRef) (*role, error) {
	switch ref.Kind {
	case kindClusterRole:
		if r := x.clusterRoles[ref.Name]; r != nil {
			return r, nil
		}
		return nil, apierrors.NewNotFound(rbacv1.Resource("clusterrole"), ref.Name)
	case kindRole:
		if ns := x.namespaces[in]; ns != nil && ns.roles[ref.Name] != nil {
			return ns.roles[ref.Name], nil
		}
		return nil, apierrors.NewNotFound(rbacv1.Resource("role"), ref.Name)
	}
	return nil, fmt.Errorf("unsupported role reference kind: %q", ref.Kind)
}
