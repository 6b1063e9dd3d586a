package rbac

import rbacv1 "k8s.io/api/rbac/v1"

// SetDefaults_RoleBinding names the only group a role can be of.
func SetDefaults_RoleBinding(obj *rbacv1.RoleBinding) { setRoleRef(&obj.RoleRef) }

// SetDefaults_ClusterRoleBinding names the only group a role can be of.
func SetDefaults_ClusterRoleBinding(obj *rbacv1.ClusterRoleBinding) { setRoleRef(&obj.RoleRef) }

// SetDefaults_Subject gives users and groups their group; a service account
// is of the core group, which is the empty string.
func SetDefaults_Subject(obj *rbacv1.Subject) {
	if obj.APIGroup == "" && (obj.Kind == rbacv1.UserKind || obj.Kind == rbacv1.GroupKind) {
		obj.APIGroup = rbacv1.GroupName
	}
}

func setRoleRef(ref *rbacv1.RoleRef) {
	if ref.APIGroup == "" {
		ref.APIGroup = rbacv1.GroupName
	}
}
