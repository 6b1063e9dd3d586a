package validation_test

import (
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/causeway-access/causeway/internal/apiserver/validation"
)

func rbac(resource string) schema.GroupResource {
	return schema.GroupResource{Group: rbacv1.GroupName, Resource: resource}
}

func TestRoleIsRefusedWhenCreated(t *testing.T) {
	const manifest = `{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: 'system:reader', namespace: default},
rules: [{apiGroups: [''], resources: [pods], verbs: [get]}]}`
	creations(t, rbac("roles"), manifest, []change[*rbacv1.Role]{
		{"a name that is no path segment", func(r *rbacv1.Role) { r.Name = "a/b" }, []string{invalid + " metadata.name"}},
		{"no verbs", func(r *rbacv1.Role) { r.Rules[0].Verbs = nil }, []string{required + " rules[0].verbs"}},
		{"no groups", func(r *rbacv1.Role) { r.Rules[0].APIGroups = nil }, []string{required + " rules[0].apiGroups"}},
		{"no resources", func(r *rbacv1.Role) { r.Rules[0].Resources = nil }, []string{required + " rules[0].resources"}},
		{"other paths", func(r *rbacv1.Role) {
			r.Rules[0] = rbacv1.PolicyRule{Verbs: []string{"get"}, NonResourceURLs: []string{"/x"}}
		}, []string{invalid + " rules[0].nonResourceURLs"}},
	})
}

func TestClusterRoleIsRefusedWhenCreated(t *testing.T) {
	const manifest = `{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: health},
rules: [{nonResourceURLs: [/healthz], verbs: [get]}], aggregationRule: {clusterRoleSelectors: [{matchLabels: {a: b}}]}}`
	creations(t, rbac("clusterroles"), manifest, []change[*rbacv1.ClusterRole]{
		{"paths and resources in one rule", func(r *rbacv1.ClusterRole) { r.Rules[0].Resources = []string{"pods"} }, []string{invalid + " rules[0].nonResourceURLs"}},
		{"aggregation of nothing", func(r *rbacv1.ClusterRole) { r.AggregationRule.ClusterRoleSelectors = nil }, []string{required + " aggregationRule.clusterRoleSelectors"}},
		{"bad selector", func(r *rbacv1.ClusterRole) {
			r.AggregationRule.ClusterRoleSelectors[0] = metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{{Key: "a", Operator: "In"}}}
		}, []string{invalid + " aggregationRule.clusterRoleSelectors[0]", required + " aggregationRule.clusterRoleSelectors[0].matchExpressions[0].values"}},
	})
}

const readerBinding = `{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {name: 'system:readers', namespace: default},
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: 'system:reader'},
subjects: [{kind: User, name: 'a b', apiGroup: rbac.authorization.k8s.io}, {kind: ServiceAccount, name: default}]}`

func TestRoleBindingIsRefusedWhenCreated(t *testing.T) {
	creations(t, rbac("rolebindings"), readerBinding, []change[*rbacv1.RoleBinding]{
		{"role of another group", func(b *rbacv1.RoleBinding) { b.RoleRef.APIGroup = "x" }, []string{unsupported + " roleRef.apiGroup"}},
		{"role of another kind", func(b *rbacv1.RoleBinding) { b.RoleRef.Kind = "Group" }, []string{unsupported + " roleRef.kind"}},
		{"role without name", func(b *rbacv1.RoleBinding) { b.RoleRef.Name = "" }, []string{required + " roleRef.name"}},
		{"role with a bad name", func(b *rbacv1.RoleBinding) { b.RoleRef.Name = "a%b" }, []string{invalid + " roleRef.name"}},
		{"subject without name", func(b *rbacv1.RoleBinding) { b.Subjects[0].Name = "" }, []string{required + " subjects[0].name"}},
		{"subject of another kind", func(b *rbacv1.RoleBinding) { b.Subjects[0].Kind = "Robot" }, []string{unsupported + " subjects[0].kind"}},
		{"user of another group", func(b *rbacv1.RoleBinding) { b.Subjects[0].APIGroup = "x" }, []string{unsupported + " subjects[0].apiGroup"}},
		{"account of a group", func(b *rbacv1.RoleBinding) { b.Subjects[1].APIGroup = rbacv1.GroupName }, []string{unsupported + " subjects[1].apiGroup"}},
		{"account with a bad name", func(b *rbacv1.RoleBinding) { b.Subjects[1].Name = "A" }, []string{invalid + " subjects[1].name"}},
	})
}

func TestBindingKeepsItsRole(t *testing.T) {
	old := stored[*rbacv1.RoleBinding](t, readerBinding)
	updates(t, validation.For(rbac("rolebindings")).Update, old, []change[*rbacv1.RoleBinding]{
		{"other subjects", func(b *rbacv1.RoleBinding) { b.Subjects = nil }, nil},
		{"another role", func(b *rbacv1.RoleBinding) { b.RoleRef.Name = "admin" }, []string{invalid + " roleRef"}},
	})
	changed := old.DeepCopy()
	changed.RoleRef.Name = "admin"
	errs := validation.For(rbac("rolebindings")).Update(changed, old)
	if len(errs) != 1 || errs[0].Detail != "cannot change roleRef" {
		t.Errorf("got %v, want the words that clients look for", errs)
	}
}

func TestClusterRoleBindingIsRefusedWhenCreated(t *testing.T) {
	const manifest = `{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRoleBinding, metadata: {name: all},
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}, subjects: [{kind: ServiceAccount, name: default, namespace: default}]}`
	creations(t, rbac("clusterrolebindings"), manifest, []change[*rbacv1.ClusterRoleBinding]{
		{"a role of a namespace", func(b *rbacv1.ClusterRoleBinding) { b.RoleRef.Kind = "Role" }, []string{unsupported + " roleRef.kind"}},
		{"an account of no namespace", func(b *rbacv1.ClusterRoleBinding) { b.Subjects[0].Namespace = "" }, []string{required + " subjects[0].namespace"}},
	})
}
