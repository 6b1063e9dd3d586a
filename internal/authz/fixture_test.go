package authz_test

import (
	"context"
	"testing"
	"time"

	"github.com/causeway-access/causeway/internal/authz"
	"github.com/causeway-access/causeway/test/fakeapi"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/fake"
)

// start runs RBAC and Node on informers of a fake API that holds the objects.
func start(t testing.TB, objects ...runtime.Object) (*authz.RBAC, *authz.Node, *fake.Clientset) {
	t.Helper()
	return startBehind(t, 0, objects...)
}

// startBehind is start where the cache may be behind for that long.
func startBehind(t testing.TB, lag time.Duration, objects ...runtime.Object) (*authz.RBAC, *authz.Node, *fake.Clientset) {
	t.Helper()
	client := fakeapi.NewClientset(objects...)
	factory := informers.NewSharedInformerFactory(client, 0)
	rbac, err := authz.NewRBAC(factory.Rbac().V1())
	if err != nil {
		t.Fatal(err)
	}
	node, err := authz.NewNode(factory.Core().V1().Pods(), lag)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(func() {
		cancel()
		factory.Shutdown()
	})
	factory.Start(ctx.Done())
	factory.WaitForCacheSync(ctx.Done())
	eventually(t, "RBAC has read everything", rbac.HasSynced)
	return rbac, node, client
}

// eventually waits for what a watch will bring.
func eventually(t testing.TB, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
	}
}

func clusterRole(name string, rules ...rbacv1.PolicyRule) *rbacv1.ClusterRole {
	return &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: name}, Rules: rules}
}

func role(namespace, name string, rules ...rbacv1.PolicyRule) *rbacv1.Role {
	return &rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}, Rules: rules}
}

func bindCluster(name, role string, subjects ...rbacv1.Subject) *rbacv1.ClusterRoleBinding {
	return &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: name}, Subjects: subjects,
		RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role},
	}
}

func bind(namespace, name, kind, role string, subjects ...rbacv1.Subject) *rbacv1.RoleBinding {
	return &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}, Subjects: subjects,
		RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: kind, Name: role},
	}
}

func toUser(name string) rbacv1.Subject  { return rbacv1.Subject{Kind: "User", Name: name} }
func toGroup(name string) rbacv1.Subject { return rbacv1.Subject{Kind: "Group", Name: name} }
func toAccount(namespace, name string) rbacv1.Subject {
	return rbacv1.Subject{Kind: "ServiceAccount", Namespace: namespace, Name: name}
}

func can(verbs ...string) rbacv1.PolicyRule { return rbacv1.PolicyRule{Verbs: verbs} }

func on(rule rbacv1.PolicyRule, group string, resources ...string) rbacv1.PolicyRule {
	rule.APIGroups, rule.Resources = []string{group}, resources
	return rule
}

func named(rule rbacv1.PolicyRule, names ...string) rbacv1.PolicyRule {
	rule.ResourceNames = names
	return rule
}

func paths(rule rbacv1.PolicyRule, urls ...string) rbacv1.PolicyRule {
	rule.NonResourceURLs = urls
	return rule
}

func who(name string, groups ...string) user.Info {
	return &user.DefaultInfo{Name: name, Groups: groups}
}

// ask is a request for a resource of the core group.
func ask(u user.Info, verb, namespace, resource, name string) authorizer.AttributesRecord {
	return authorizer.AttributesRecord{
		User: u, Verb: verb, Namespace: namespace, Resource: resource, Name: name, APIVersion: "v1", ResourceRequest: true,
	}
}

func sub(a authorizer.AttributesRecord, subresource string) authorizer.AttributesRecord {
	a.Subresource = subresource
	return a
}

func in(a authorizer.AttributesRecord, group string) authorizer.AttributesRecord {
	a.APIGroup = group
	return a
}

func selecting(a authorizer.AttributesRecord, field, value string) authorizer.AttributesRecord {
	a.FieldSelectorRequirements = fields.OneTermEqualSelector(field, value).Requirements()
	return a
}

func path(u user.Info, verb, url string) authorizer.AttributesRecord {
	return authorizer.AttributesRecord{User: u, Verb: verb, Path: url}
}

func allowed(t testing.TB, a authorizer.UnconditionalAuthorizer, request authorizer.Attributes) bool {
	t.Helper()
	decision, _, err := a.Authorize(context.Background(), request)
	if err != nil {
		t.Fatal(err)
	}
	if decision == authorizer.DecisionDeny {
		t.Fatal("a deny would stop the authorisers after this one")
	}
	return decision == authorizer.DecisionAllow
}

func pod(namespace, name, node string, spec corev1.PodSpec) *corev1.Pod {
	spec.NodeName = node
	return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}, Spec: spec}
}
