package printers

import (
	"strings"
	"time"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func roles() view {
	return viewOf(columns(nameColumn(), createdColumn()), func(r *rbacv1.Role) []any {
		return []any{r.Name, r.CreationTimestamp.UTC().Format(time.RFC3339)}
	})
}

func clusterRoles() view {
	return viewOf(columns(nameColumn(), createdColumn()), func(r *rbacv1.ClusterRole) []any {
		return []any{r.Name, r.CreationTimestamp.UTC().Format(time.RFC3339)}
	})
}

func roleBindings() view {
	return viewOf(bindingColumns(), func(b *rbacv1.RoleBinding) []any {
		return bindingCells(b.ObjectMeta, b.RoleRef, b.Subjects)
	})
}

func clusterRoleBindings() view {
	return viewOf(bindingColumns(), func(b *rbacv1.ClusterRoleBinding) []any {
		return bindingCells(b.ObjectMeta, b.RoleRef, b.Subjects)
	})
}

func bindingColumns() []column {
	return columns(
		nameColumn(),
		text("Role", rbacv1.RoleBinding{}.SwaggerDoc()["roleRef"]),
		ageColumn(),
		wide(text("Users", "Users in the roleBinding")),
		wide(text("Groups", "Groups in the roleBinding")),
		wide(text("ServiceAccounts", "ServiceAccounts in the roleBinding")),
	)
}

func bindingCells(m metav1.ObjectMeta, ref rbacv1.RoleRef, subjects []rbacv1.Subject) []any {
	var users, groups, accounts []string
	for _, s := range subjects {
		switch s.Kind {
		case rbacv1.ServiceAccountKind:
			accounts = append(accounts, s.Namespace+"/"+s.Name)
		case rbacv1.UserKind:
			users = append(users, s.Name)
		case rbacv1.GroupKind:
			groups = append(groups, s.Name)
		}
	}
	return []any{
		m.Name, ref.Kind + "/" + ref.Name, age(m.CreationTimestamp),
		strings.Join(users, ", "), strings.Join(groups, ", "), strings.Join(accounts, ", "),
	}
}
