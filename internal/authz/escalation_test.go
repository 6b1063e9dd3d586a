package authz_test

import (
	"strings"
	"testing"

	"github.com/causeway-access/causeway/internal/authz"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apiserver/pkg/authentication/user"
)

func guard(t *testing.T) authz.Guard {
	t.Helper()
	rbac, _, _ := start(t,
		clusterRole("reader", on(can("get", "list"), "", "pods")),
		clusterRole("everything", on(can("*"), "*", "*"), paths(can("*"), "*")),
		clusterRole("escalator", named(on(can("escalate"), rbacv1.GroupName, "clusterroles"), "chosen"), on(can("escalate"), rbacv1.GroupName, "roles")),
		clusterRole("binder", named(on(can("bind"), rbacv1.GroupName, "clusterroles"), "everything")),
		role("web", "local", on(can("get"), "", "secrets")),
		bindCluster("reader", "reader", toUser("alice")),
		bindCluster("everything", "everything", toUser("root")),
		bindCluster("escalator", "escalator", toUser("eve")),
		bindCluster("binder", "binder", toUser("bob")),
		bind("web", "local", "Role", "local", toUser("alice")),
		bind("web", "gone", "Role", "gone", toUser("dan")),
	)
	return authz.Guard{Authorizer: rbac, Held: rbac}
}

func TestNobodyPutsIntoARoleWhatHeDoesNotHold(t *testing.T) {
	g := guard(t)
	read, secrets := on(can("get", "list"), "", "pods"), on(can("get"), "", "secrets")
	all := on(can("*"), "*", "*")
	for _, tt := range []struct {
		name           string
		who            user.Info
		in, role       string
		rules          []rbacv1.PolicyRule
		refusedBecause string
	}{
		{name: "what he holds", who: who("alice"), rules: []rbacv1.PolicyRule{read}},
		{name: "less than he holds", who: who("alice"), rules: []rbacv1.PolicyRule{named(on(can("list"), "", "pods"), "x")}},
		{name: "what he holds in the namespace", who: who("alice"), in: "web", rules: []rbacv1.PolicyRule{secrets, read}},
		{name: "nothing", who: who("nobody"), rules: nil},
		{name: "anything, by a master", who: who("m", "system:masters"), rules: []rbacv1.PolicyRule{all}},
		{name: "anything, by who holds everything", who: who("root"), rules: []rbacv1.PolicyRule{all, paths(can("get"), "/x")}},
		{name: "escalate on that role", who: who("eve"), role: "chosen", rules: []rbacv1.PolicyRule{all}},
		{name: "escalate on any role of a namespace", who: who("eve"), in: "web", role: "any", rules: []rbacv1.PolicyRule{all}},

		{name: "escalate on another role", who: who("eve"), role: "other", rules: []rbacv1.PolicyRule{all}, refusedBecause: "is attempting to grant"},
		{name: "what he holds elsewhere", who: who("alice"), in: "ci", rules: []rbacv1.PolicyRule{secrets}, refusedBecause: `{APIGroups:[""], Resources:["secrets"], Verbs:["get"]}`},
		{name: "in the cluster what he holds in a namespace", who: who("alice"), rules: []rbacv1.PolicyRule{secrets}, refusedBecause: `Resources:["secrets"]`},
		{
			name: "more verbs", who: who("alice", "team"), rules: []rbacv1.PolicyRule{on(can("get", "create", "delete"), "", "pods"), paths(can("get"), "/metrics")},
			refusedBecause: "user \"alice\" (groups=[\"team\"]) is attempting to grant RBAC permissions not currently held:\n" +
				"{APIGroups:[\"\"], Resources:[\"pods\"], Verbs:[\"create\" \"delete\"]}\n" +
				"{NonResourceURLs:[\"/metrics\"], Verbs:[\"get\"]}",
		},
		{name: "a bound role is missing", who: who("dan"), in: "web", rules: []rbacv1.PolicyRule{read}, refusedBecause: `; resolution errors: [role.rbac.authorization.k8s.io "gone" not found]`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := g.Role(t.Context(), tt.who, tt.in, tt.role, tt.rules)
			if (err == nil) != (tt.refusedBecause == "") || (err != nil && !strings.Contains(err.Error(), tt.refusedBecause)) {
				t.Errorf("error = %v\nwant one that says %q", err, tt.refusedBecause)
			}
		})
	}
}

func TestNobodyBindsWhatHeDoesNotHold(t *testing.T) {
	g := guard(t)
	ref := func(kind, name string) rbacv1.RoleRef {
		return rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: kind, Name: name}
	}
	for _, tt := range []struct {
		name           string
		who            user.Info
		in             string
		ref            rbacv1.RoleRef
		refusedBecause string
	}{
		{"what he holds", who("alice"), "", ref("ClusterRole", "reader"), ""},
		{"what he holds, in a namespace", who("alice"), "ci", ref("ClusterRole", "reader"), ""},
		{"a role of the namespace that he holds", who("alice"), "web", ref("Role", "local"), ""},
		{"with the verb bind", who("bob"), "", ref("ClusterRole", "everything"), ""},
		{"with the verb bind, in a namespace", who("bob"), "ci", ref("ClusterRole", "everything"), ""},
		{"as a master, even what is not there", who("m", "system:masters"), "", ref("ClusterRole", "gone"), ""},

		{"more than he holds", who("alice"), "", ref("ClusterRole", "everything"), "is attempting to grant RBAC permissions not currently held"},
		{"bind on another role", who("bob"), "", ref("ClusterRole", "reader"), "not currently held"},
		{"a role of a namespace that he does not hold", who("bob"), "web", ref("Role", "local"), "not currently held"},
		{"what is not there", who("alice"), "web", ref("Role", "gone"), `role.rbac.authorization.k8s.io "gone" not found`},
		{"no role at all", who("alice"), "web", ref("Gadget", "x"), "unsupported role reference kind"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := g.Binding(t.Context(), tt.who, tt.in, tt.ref)
			if (err == nil) != (tt.refusedBecause == "") || (err != nil && !strings.Contains(err.Error(), tt.refusedBecause)) {
				t.Errorf("error = %v\nwant one that says %q", err, tt.refusedBecause)
			}
		})
	}
	if err := g.Binding(t.Context(), who("alice"), "", ref("ClusterRole", "gone")); !apierrors.IsNotFound(err) {
		t.Errorf("a missing role: %v, want NotFound", err)
	}
}
