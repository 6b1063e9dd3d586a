package validation

import (
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

func roleBinding(b *rbacv1.RoleBinding) field.ErrorList {
	errs := metadata(&b.ObjectMeta, namespaced, segmentName)
	errs = append(errs, roleRef(b.RoleRef, "ClusterRole", "Role")...)
	return append(errs, subjects(b.Subjects, namespaced)...)
}

func roleBindingUpdate(b, old *rbacv1.RoleBinding) field.ErrorList {
	errs := append(roleBinding(b), metadataUpdate(&b.ObjectMeta, &old.ObjectMeta)...)
	return append(errs, sameRoleRef(b.RoleRef, old.RoleRef)...)
}

func clusterRoleBinding(b *rbacv1.ClusterRoleBinding) field.ErrorList {
	errs := metadata(&b.ObjectMeta, clusterScoped, segmentName)
	errs = append(errs, roleRef(b.RoleRef, "ClusterRole")...)
	return append(errs, subjects(b.Subjects, clusterScoped)...)
}

func clusterRoleBindingUpdate(b, old *rbacv1.ClusterRoleBinding) field.ErrorList {
	errs := append(clusterRoleBinding(b), metadataUpdate(&b.ObjectMeta, &old.ObjectMeta)...)
	return append(errs, sameRoleRef(b.RoleRef, old.RoleRef)...)
}

// sameRoleRef keeps a binding at its role: whoever may change the subjects
// was judged by that role alone.
func sameRoleRef(now, old rbacv1.RoleRef) field.ErrorList {
	if now == old {
		return nil
	}
	return field.ErrorList{field.Invalid(field.NewPath("roleRef"), now, "cannot change roleRef")}
}

func roleRef(r rbacv1.RoleRef, kinds ...string) field.ErrorList {
	p := field.NewPath("roleRef")
	var errs field.ErrorList
	if r.APIGroup != rbacv1.GroupName {
		errs = append(errs, field.NotSupported(p.Child("apiGroup"), r.APIGroup, []string{rbacv1.GroupName}))
	}
	errs = append(errs, oneOfIfSet(p.Child("kind"), &r.Kind, kinds...)...)
	return append(errs, named(p.Child("name"), r.Name, whole(segmentName))...)
}

func subjects(list []rbacv1.Subject, inNamespace bool) field.ErrorList {
	var errs field.ErrorList
	for i, s := range list {
		errs = append(errs, subject(field.NewPath("subjects").Index(i), s, inNamespace)...)
	}
	return errs
}

// subject is a service account, or a user or group by whatever name the
// authenticator gives.
func subject(p *field.Path, s rbacv1.Subject, inNamespace bool) field.ErrorList {
	errs := present(p.Child("name"), s.Name)
	group := rbacv1.GroupName
	switch s.Kind {
	case rbacv1.ServiceAccountKind:
		group = ""
		errs = append(errs, namedIfSet(p.Child("name"), s.Name, whole(subdomainName))...)
		if !inNamespace {
			errs = append(errs, present(p.Child("namespace"), s.Namespace)...)
		}
	case rbacv1.UserKind, rbacv1.GroupKind:
	default:
		return append(errs, field.NotSupported(p.Child("kind"), s.Kind,
			[]string{rbacv1.ServiceAccountKind, rbacv1.UserKind, rbacv1.GroupKind}))
	}
	if s.APIGroup != group {
		errs = append(errs, field.NotSupported(p.Child("apiGroup"), s.APIGroup, []string{group}))
	}
	return errs
}
