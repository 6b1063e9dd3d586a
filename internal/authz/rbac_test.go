package authz_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
)

func TestWhatRulesAllow(t *testing.T) {
	u := who("alice")
	for _, tt := range []struct {
		name string
		rule rbacv1.PolicyRule
		yes  []authorizer.AttributesRecord
		no   []authorizer.AttributesRecord
	}{
		{
			name: "one resource",
			rule: on(can("get", "list"), "", "pods"),
			yes:  []authorizer.AttributesRecord{ask(u, "get", "web", "pods", "a"), ask(u, "list", "", "pods", "")},
			no: []authorizer.AttributesRecord{
				ask(u, "delete", "web", "pods", "a"), ask(u, "get", "web", "secrets", "a"),
				sub(ask(u, "get", "web", "pods", "a"), "log"), in(ask(u, "get", "web", "pods", "a"), "apps"),
				path(u, "get", "pods"),
			},
		},
		{
			name: "a subresource",
			rule: on(can("get"), "", "services/proxy"),
			yes:  []authorizer.AttributesRecord{sub(ask(u, "get", "web", "services", "https:web:"), "proxy")},
			no: []authorizer.AttributesRecord{
				ask(u, "get", "web", "services", "web"), sub(ask(u, "get", "web", "services", "web"), "status"),
				sub(ask(u, "get", "web", "pods", "web"), "proxy"),
			},
		},
		{
			name: "a subresource of everything",
			rule: on(can("get"), "", "*/scale"),
			yes:  []authorizer.AttributesRecord{sub(ask(u, "get", "web", "pods", "a"), "scale")},
			no:   []authorizer.AttributesRecord{ask(u, "get", "web", "pods", "a"), sub(ask(u, "get", "web", "pods", "a"), "log")},
		},
		{
			name: "every resource of a group",
			rule: on(can("*"), "apps", "*"),
			yes:  []authorizer.AttributesRecord{in(sub(ask(u, "patch", "web", "deployments", "a"), "scale"), "apps"), in(ask(u, "*", "", "*", ""), "apps")},
			no:   []authorizer.AttributesRecord{ask(u, "get", "web", "pods", "a"), path(u, "get", "/apps")},
		},
		{
			name: "every group",
			rule: on(can("get"), "*", "events"),
			yes:  []authorizer.AttributesRecord{ask(u, "get", "web", "events", "a"), in(ask(u, "get", "web", "events", "a"), "events.k8s.io")},
			no:   []authorizer.AttributesRecord{in(ask(u, "get", "web", "pods", "a"), "events.k8s.io"), in(ask(u, "get", "", "*", ""), "*")},
		},
		{
			name: "named objects",
			rule: named(on(can("get", "list", "create"), "", "secrets"), "a", "b"),
			yes:  []authorizer.AttributesRecord{ask(u, "get", "web", "secrets", "b"), ask(u, "list", "web", "secrets", "a")},
			no:   []authorizer.AttributesRecord{ask(u, "get", "web", "secrets", "c"), ask(u, "list", "web", "secrets", ""), ask(u, "create", "web", "secrets", "")},
		},
		{
			name: "paths",
			rule: paths(can("get"), "/version", "/healthz/*"),
			yes:  []authorizer.AttributesRecord{path(u, "get", "/version"), path(u, "get", "/healthz/"), path(u, "get", "/healthz/etcd")},
			no:   []authorizer.AttributesRecord{path(u, "get", "/healthz"), path(u, "get", "/version/x"), path(u, "post", "/version"), ask(u, "get", "", "version", "")},
		},
		{
			name: "every path",
			rule: paths(can("*"), "*"),
			yes:  []authorizer.AttributesRecord{path(u, "post", "/anything"), path(u, "get", "")},
			no:   []authorizer.AttributesRecord{ask(u, "get", "web", "pods", "a")},
		},
		{
			name: "nothing",
			rule: rbacv1.PolicyRule{},
			no:   []authorizer.AttributesRecord{ask(u, "get", "web", "pods", "a"), path(u, "get", "/"), ask(u, "", "", "", "")},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			rbac, _, _ := start(t, clusterRole("r", tt.rule), bindCluster("b", "r", toUser("alice")))
			for want, requests := range map[bool][]authorizer.AttributesRecord{true: tt.yes, false: tt.no} {
				for _, request := range requests {
					if got := allowed(t, rbac, request); got != want {
						t.Errorf("%+v: allowed = %v, want %v", request, got, want)
					}
				}
			}
		})
	}
}

// The scene that the next tests share.
func scene() []runtime.Object {
	read := on(can("get"), "", "pods")
	return []runtime.Object{
		clusterRole("reader", read, paths(can("get"), "/metrics")),
		role("web", "writer", on(can("create"), "", "pods")),
		bindCluster("global", "reader", toUser("gina"), toGroup("readers"), toAccount("ci", "bot")),
		bind("web", "local", "ClusterRole", "reader", toUser("lou"), toAccount("", "default")),
		bind("web", "writers", "Role", "writer", toUser("wanda"), toUser("lou")),
		bind("web", "dangling", "Role", "gone", toUser("dan")),
		bindCluster("dangling", "nowhere", toUser("dan")),
		bind("web", "odd", "Gadget", "x", toUser("olga")),
	}
}

func TestWhereBindingsReach(t *testing.T) {
	rbac, _, _ := start(t, scene()...)
	for _, tt := range []struct {
		who       user.Info
		verb, in  string
		want      bool
		explained string
	}{
		{who("gina"), "get", "web", true, `RBAC: allowed by ClusterRoleBinding "global" of ClusterRole "reader" to User "gina"`},
		{who("gina"), "get", "", true, `RBAC: allowed by ClusterRoleBinding "global" of ClusterRole "reader" to User "gina"`},
		{who("x", "a", "readers"), "get", "any", true, `RBAC: allowed by ClusterRoleBinding "global" of ClusterRole "reader" to Group "readers"`},
		{who("system:serviceaccount:ci:bot"), "get", "web", true, `RBAC: allowed by ClusterRoleBinding "global" of ClusterRole "reader" to ServiceAccount "bot/ci"`},
		{who("lou"), "get", "web", true, `RBAC: allowed by RoleBinding "local/web" of ClusterRole "reader" to User "lou"`},
		{who("lou"), "get", "ci", false, ""},
		{who("lou"), "get", "", false, ""},
		{who("lou"), "create", "web", true, `RBAC: allowed by RoleBinding "writers/web" of Role "writer" to User "lou"`},
		{who("system:serviceaccount:web:default"), "get", "web", true, `RBAC: allowed by RoleBinding "local/web" of ClusterRole "reader" to ServiceAccount "default/web"`},
		{who("system:serviceaccount:ci:default"), "get", "web", false, ""},
		{who("readers"), "get", "web", false, ""},
		{who("x", "gina"), "get", "web", false, ""},
		{who("dan"), "get", "web", false, `RBAC: [clusterrole.rbac.authorization.k8s.io "nowhere" not found, role.rbac.authorization.k8s.io "gone" not found]`},
		{who("dan"), "get", "ci", false, `RBAC: clusterrole.rbac.authorization.k8s.io "nowhere" not found`},
		{who("olga"), "get", "web", false, `RBAC: unsupported role reference kind: "Gadget"`},
	} {
		decision, reason, err := rbac.Authorize(t.Context(), ask(tt.who, tt.verb, tt.in, "pods", ""))
		if err != nil || (decision == authorizer.DecisionAllow) != tt.want || reason != tt.explained {
			t.Errorf("%s %ss in %q: %v, %q, %v\nwant %v, %q", tt.who.GetName(), tt.verb, tt.in, decision, reason, err, tt.want, tt.explained)
		}
	}
	if allowed(t, rbac, path(who("lou"), "get", "/metrics")) {
		t.Error("a RoleBinding granted a path")
	}
	if !allowed(t, rbac, path(who("gina"), "get", "/metrics")) {
		t.Error("a ClusterRoleBinding did not grant a path")
	}
}

func TestRequestWithoutUserIsAnError(t *testing.T) {
	rbac, _, _ := start(t)
	if decision, _, err := rbac.Authorize(t.Context(), authorizer.AttributesRecord{}); err == nil || decision == authorizer.DecisionAllow {
		t.Errorf("Authorize = %v, %v", decision, err)
	}
}

// Every kind of change is seen: made, changed, removed.
func TestChangesAreSeen(t *testing.T) {
	rbac, _, client := start(t)
	api := client.RbacV1()
	request := ask(who("alice"), "get", "web", "pods", "a")
	expect := func(step string, want bool) {
		t.Helper()
		eventually(t, step, func() bool { return allowed(t, rbac, request) == want })
	}
	must := func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	ctx := t.Context()
	read, none := on(can("get"), "", "pods"), on(can("get"), "", "secrets")

	must(api.RoleBindings("web").Create(ctx, bind("web", "b", "Role", "r", toUser("alice")), metav1.CreateOptions{}))
	expect("a binding without its role grants nothing", false)
	must(api.Roles("web").Create(ctx, role("web", "r", read), metav1.CreateOptions{}))
	expect("the role comes", true)
	must(api.Roles("web").Update(ctx, role("web", "r", none), metav1.UpdateOptions{}))
	expect("the role changes", false)
	must(api.Roles("web").Update(ctx, role("web", "r", read), metav1.UpdateOptions{}))
	expect("the role changes back", true)
	must(nil, api.RoleBindings("web").Delete(ctx, "b", metav1.DeleteOptions{}))
	expect("the binding goes", false)

	must(api.ClusterRoles().Create(ctx, clusterRole("c", read), metav1.CreateOptions{}))
	must(api.ClusterRoleBindings().Create(ctx, bindCluster("cb", "c", toUser("alice")), metav1.CreateOptions{}))
	expect("a cluster binding comes", true)
	must(nil, api.ClusterRoles().Delete(ctx, "c", metav1.DeleteOptions{}))
	expect("its role goes", false)
	must(api.ClusterRoles().Create(ctx, clusterRole("c", read), metav1.CreateOptions{}))
	expect("its role comes back", true)
	must(api.ClusterRoleBindings().Update(ctx, bindCluster("cb", "c", toUser("bob")), metav1.UpdateOptions{}))
	expect("another is bound", false)
}

func TestRulesOfAUser(t *testing.T) {
	rbac, _, _ := start(t, scene()...)
	read, write := on(can("get"), "", "pods"), on(can("create"), "", "pods")
	metrics := paths(can("get"), "/metrics")
	for _, tt := range []struct {
		who  user.Info
		in   string
		want []rbacv1.PolicyRule
		err  string
	}{
		{who("gina", "readers"), "web", []rbacv1.PolicyRule{read, metrics}, ""},
		{who("lou"), "web", []rbacv1.PolicyRule{read, write}, ""},
		{who("lou"), "", nil, ""},
		{who("dan"), "web", nil, `[clusterrole.rbac.authorization.k8s.io "nowhere" not found, role.rbac.authorization.k8s.io "gone" not found]`},
	} {
		rules, err := rbac.PolicyRules(tt.who, tt.in)
		if diff := cmp.Diff(tt.want, rules); diff != "" {
			t.Errorf("%s in %q: %s", tt.who.GetName(), tt.in, diff)
		}
		if (err == nil) != (tt.err == "") || (err != nil && err.Error() != tt.err) {
			t.Errorf("%s in %q: error %v, want %q", tt.who.GetName(), tt.in, err, tt.err)
		}
	}
	resources, urls, incomplete, err := rbac.RulesFor(t.Context(), who("gina"), "web")
	if err != nil || incomplete || len(resources) != 1 || len(urls) != 1 {
		t.Errorf("RulesFor = %v, %v, %v, %v", resources, urls, incomplete, err)
	}
}

// The compiled index must say just what the rules say, read one by one as the
// documentation of RBAC defines them. Small alphabets make the requests hit.
func TestIndexAgreesWithTheDefinition(t *testing.T) {
	const seed = 7
	random := rand.New(rand.NewPCG(seed, seed))
	pick := func(from ...string) []string {
		var out []string
		for range 1 + random.IntN(2) {
			out = append(out, from[random.IntN(len(from))])
		}
		return out
	}
	for round := range 30 {
		var rules []rbacv1.PolicyRule
		for range random.IntN(5) {
			rule := rbacv1.PolicyRule{Verbs: pick("get", "list", "*"), APIGroups: pick("", "apps", "*"), Resources: pick("a", "b", "a/s", "*/s", "*")}
			if random.IntN(3) == 0 {
				rule.ResourceNames = pick("x", "y")
			}
			rules = append(rules, rule)
		}
		rbac, _, _ := start(t, clusterRole("r", rules...), bindCluster("b", "r", toUser("u")))
		for range 200 {
			request := ask(who("u"), pick("get", "list", "delete")[0], "", pick("a", "b", "c")[0], pick("x", "z", "")[0])
			request = in(sub(request, pick("", "s", "t")[0]), pick("", "apps", "batch")[0])
			if got, want := allowed(t, rbac, request), defined(rules, request); got != want {
				t.Fatalf("seed %d round %d: allowed = %v, want %v\nrequest %+v\nrules %+v", seed, round, got, want, request, rules)
			}
		}
	}
}

// defined is RBAC as documented, without any index.
func defined(rules []rbacv1.PolicyRule, a authorizer.Attributes) bool {
	has := func(list []string, values ...string) bool {
		for _, one := range list {
			for _, value := range values {
				if one == value {
					return true
				}
			}
		}
		return false
	}
	for _, rule := range rules {
		resources := []string{"*", a.GetResource()}
		if s := a.GetSubresource(); s != "" {
			resources = []string{"*", a.GetResource() + "/" + s, "*/" + s}
		}
		if has(rule.Verbs, "*", a.GetVerb()) && has(rule.APIGroups, "*", a.GetAPIGroup()) && has(rule.Resources, resources...) &&
			(len(rule.ResourceNames) == 0 || has(rule.ResourceNames, a.GetName())) {
			return true
		}
	}
	return false
}

// crowd is a cluster with many namespaces, each with a binding.
func crowd(namespaces int) []runtime.Object {
	objects := []runtime.Object{
		clusterRole("edit", on(can("get", "list"), "", "pods", "services", "configmaps"), on(can("get"), "", "services/proxy")),
		clusterRole("discovery", paths(can("get"), "/api", "/api/*", "/version")),
		bindCluster("discovery", "discovery", toGroup("system:authenticated")),
	}
	for i := range namespaces {
		objects = append(objects, bind(fmt.Sprintf("ns-%d", i), "edit", "ClusterRole", "edit", toUser(fmt.Sprintf("user-%d", i))))
	}
	return objects
}

func BenchmarkAuthorize(b *testing.B) {
	for _, namespaces := range []int{10, 1000} {
		b.Run(fmt.Sprintf("namespaces=%d", namespaces), func(b *testing.B) {
			rbac, _, _ := start(b, crowd(namespaces)...)
			var request authorizer.Attributes = sub(ask(who("user-7", "team", "system:authenticated"), "get", "ns-7", "services", "https:web:"), "proxy")
			ctx := context.Background()
			b.ReportAllocs()
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if decision, _, _ := rbac.Authorize(ctx, request); decision != authorizer.DecisionAllow {
						b.Error(decision)
						return
					}
				}
			})
		})
	}
}

func TestAuthorizingAllocatesNothing(t *testing.T) {
	rbac, _, _ := start(t, crowd(3)...)
	var request authorizer.Attributes = sub(ask(who("user-1", "system:authenticated"), "get", "ns-1", "services", "web"), "proxy")
	if n := testing.AllocsPerRun(100, func() { _, _, _ = rbac.Authorize(context.Background(), request) }); n > 0 {
		t.Errorf("%v allocations for a request", n)
	}
}

func TestReasonsAreOneLine(t *testing.T) {
	rbac, _, _ := start(t, scene()...)
	if _, reason, _ := rbac.Authorize(t.Context(), ask(who("dan"), "get", "web", "pods", "")); strings.Contains(reason, "\n") {
		t.Errorf("reason = %q", reason)
	}
}
