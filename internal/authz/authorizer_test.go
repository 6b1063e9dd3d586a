package authz_test

import (
	"testing"

	"github.com/causeway-access/causeway/internal/authz"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
)

func TestAuthorizersAreAskedInTurn(t *testing.T) {
	rbac, node, _ := start(t,
		clusterRole("reader", on(can("get"), "", "pods")), bindCluster("reader", "reader", toUser("alice"), toUser("system:node:n1")),
		bindCluster("dangling", "gone", toUser("dan")),
		pod("web", "a", "n1", corev1.PodSpec{ServiceAccountName: "default"}))
	all, err := authz.New(authz.Config{Node: node, RBAC: rbac})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		who     user.Info
		request authorizer.AttributesRecord
		want    bool
		reason  string
	}{
		{who("m", "system:masters"), ask(nil, "delete", "web", "secrets", "x"), true, ""},
		{who("m", "system:masters"), path(nil, "post", "/anything"), true, ""},
		{who("system:masters"), ask(nil, "delete", "web", "secrets", "x"), false, ""},
		{who("alice"), ask(nil, "get", "web", "pods", "a"), true, `RBAC: allowed by ClusterRoleBinding "reader" of ClusterRole "reader" to User "alice"`},
		{who("alice"), ask(nil, "delete", "web", "pods", "a"), false, ""},
		{n1, ask(nil, "get", "web", "serviceaccounts", "default"), true, ""},
		{n1, ask(nil, "get", "ci", "pods", "z"), true, `RBAC: allowed by ClusterRoleBinding "reader" of ClusterRole "reader" to User "system:node:n1"`},
		{n1, ask(nil, "get", "web", "secrets", "z"), false, "node: no relationship found between node 'n1' and this object"},
		{who("dan"), ask(nil, "get", "web", "pods", "a"), false, `rbac: RBAC: clusterrole.rbac.authorization.k8s.io "gone" not found`},
	} {
		tt.request.User = tt.who
		decision, reason, err := all.Authorize(t.Context(), tt.request)
		if err != nil || (decision == authorizer.DecisionAllow) != tt.want || reason != tt.reason {
			t.Errorf("%s: %v, %q, %v, want %v, %q", tt.who.GetName(), decision, reason, err, tt.want, tt.reason)
		}
		if aware := all.ConditionsAwareAuthorize(t.Context(), tt.request); aware.IsAllow() != tt.want {
			t.Errorf("%s: with conditions %v, without %v", tt.who.GetName(), aware, decision)
		}
	}
}

func TestMastersNeedNothingElse(t *testing.T) {
	all, err := authz.New(authz.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if !allowed(t, all, ask(who("m", "system:masters"), "get", "", "pods", "")) {
		t.Error("a master is refused")
	}
	if allowed(t, all, ask(who("alice"), "get", "", "pods", "")) {
		t.Error("anybody is allowed")
	}
}
