package authz_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"

	"github.com/causeway-access/causeway/internal/authz"
)

// counting counts how often it is asked.
type counting struct {
	authorizer.Authorizer
	asked int
}

func (c *counting) Authorize(ctx context.Context, a authorizer.Attributes) (authorizer.Decision, string, error) {
	c.asked++
	return c.Authorizer.Authorize(ctx, a)
}

func TestWhatIsRememberedOfDecisions(t *testing.T) {
	rbac, node, _ := start(t, crowd(3)...)
	next, err := authz.New(authz.Config{Node: node, RBAC: rbac})
	if err != nil {
		t.Fatal(err)
	}
	member := &user.DefaultInfo{Name: "user-1", Groups: []string{"system:authenticated"}}
	web := sub(ask(member, "get", "ns-1", "services", "web"), "proxy")
	other := func(change func(*authorizer.AttributesRecord)) authorizer.AttributesRecord {
		a := web
		change(&a)
		return a
	}
	tests := []struct {
		name     string
		request  authorizer.AttributesRecord
		want     authorizer.Decision
		remember bool
	}{
		{"what is allowed", web, authorizer.DecisionAllow, true},
		{"not what is not", other(func(a *authorizer.AttributesRecord) { a.Verb = "create" }), authorizer.DecisionNoOpinion, false},
		{"for another user", other(func(a *authorizer.AttributesRecord) { a.User = &user.DefaultInfo{Name: "user-2"} }), authorizer.DecisionNoOpinion, false},
		{"in another namespace", other(func(a *authorizer.AttributesRecord) { a.Namespace = "ns-2" }), authorizer.DecisionNoOpinion, false},
		{"for another resource", other(func(a *authorizer.AttributesRecord) { a.Resource = "pods" }), authorizer.DecisionNoOpinion, false},
		{"for another subresource", other(func(a *authorizer.AttributesRecord) { a.Subresource = "status" }), authorizer.DecisionNoOpinion, false},
		{"for another group of the API", other(func(a *authorizer.AttributesRecord) { a.APIGroup = "apps" }), authorizer.DecisionNoOpinion, false},
		{"for a superuser", other(func(a *authorizer.AttributesRecord) {
			a.User = &user.DefaultInfo{Name: "root", Groups: []string{user.SystemPrivilegedGroup}}
		}), authorizer.DecisionAllow, true},
		{"not for nodes", other(func(a *authorizer.AttributesRecord) {
			a.User = &user.DefaultInfo{Name: "system:node:n", Groups: []string{user.NodesGroup, user.SystemPrivilegedGroup}}
		}), authorizer.DecisionAllow, false},
		{"not what is no resource", authorizer.AttributesRecord{User: member, Verb: "get", Path: "/version"}, authorizer.DecisionAllow, false},
	}
	counted := &counting{Authorizer: next}
	remembered := authz.Remember(counted, rbac)
	if _, _, err := remembered.Authorize(t.Context(), &web); err != nil { // which the others differ from
		t.Fatal(err)
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			want, reason, err := next.Authorize(t.Context(), test.request)
			if want != test.want || err != nil {
				t.Fatalf("without remembering: %v, %v", want, err)
			}
			_, _, _ = remembered.Authorize(t.Context(), &test.request)
			before := counted.asked
			for range 3 {
				got, why, err := remembered.Authorize(t.Context(), &test.request)
				if diff := cmp.Diff([]any{want, reason}, []any{got, why}); diff != "" || err != nil {
					t.Errorf("-asked +remembered:\n%s%v", diff, err)
				}
			}
			if asked := counted.asked > before; asked == test.remember {
				t.Errorf("asked again: %v, want %v", asked, !test.remember)
			}
		})
	}
}

func TestARevokedRoleIsNotRemembered(t *testing.T) {
	rbac, node, client := start(t, crowd(3)...)
	next, err := authz.New(authz.Config{Node: node, RBAC: rbac})
	if err != nil {
		t.Fatal(err)
	}
	remembered := authz.Remember(next, rbac)
	web := sub(ask(&user.DefaultInfo{Name: "user-1"}, "get", "ns-1", "services", "web"), "proxy")
	allowed := func() bool {
		decision, _, _ := remembered.Authorize(t.Context(), &web)
		return decision == authorizer.DecisionAllow
	}
	if !allowed() || !allowed() {
		t.Fatal("refused before")
	}
	bindings := client.RbacV1().RoleBindings("ns-1")
	list, err := bindings.List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range list.Items {
		if err := bindings.Delete(t.Context(), b.Name, metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "the user is refused", func() bool { return !allowed() })
}

func BenchmarkRemembered(b *testing.B) {
	rbac, node, _ := start(b, crowd(3)...)
	next, err := authz.New(authz.Config{Node: node, RBAC: rbac})
	if err != nil {
		b.Fatal(err)
	}
	web := sub(ask(&user.DefaultInfo{Name: "user-1", Groups: []string{"a", "b", "system:authenticated"}}, "get", "ns-1", "services", "web"), "proxy")
	for _, by := range []struct {
		name string
		how  authorizer.Authorizer
	}{{"asked", next}, {"remembered", authz.Remember(next, rbac)}} {
		b.Run(by.name, func(b *testing.B) {
			b.ReportAllocs()
			var request authorizer.Attributes = &web
			for b.Loop() {
				if decision, _, _ := by.how.Authorize(context.Background(), request); decision != authorizer.DecisionAllow {
					b.Fatal(decision)
				}
			}
		})
	}
}
