package authz_test

import (
	"strings"
	"testing"

	authenticationv1 "k8s.io/api/authentication/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apiserver/pkg/authentication/user"
)

func TestWhatNodesMayNotWrite(t *testing.T) {
	bound := pod("web", "a", "n1", corev1.PodSpec{})
	bound.UID = "1"
	_, node, _ := start(t, bound)
	machine := func(name string, labels map[string]string, taints ...corev1.Taint) *corev1.Node {
		return &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels}, Spec: corev1.NodeSpec{Taints: taints}}
	}
	lease := func(name string) *coordinationv1.Lease {
		return &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Name: name}}
	}
	token := func(ref *authenticationv1.BoundObjectReference) *authenticationv1.TokenRequest {
		return &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{BoundObjectRef: ref}}
	}
	ref := func(kind, name string, uid types.UID) *authenticationv1.BoundObjectReference {
		return &authenticationv1.BoundObjectReference{APIVersion: "v1", Kind: kind, Name: name, UID: uid}
	}
	trusted := map[string]string{"node-restriction.kubernetes.io/trusted": "true"}
	taint := corev1.Taint{Key: "k", Effect: corev1.TaintEffectNoSchedule}
	for _, tt := range []struct {
		name        string
		who         user.Info
		namespace   string
		object, old runtime.Object
		want        string
	}{
		{"itself", n1, "", machine("n1", map[string]string{"zone": "a"}, taint), nil, ""},
		{"another", n1, "", machine("n2", nil), nil, `node "n1" is not allowed to modify node "n2"`},
		{"as trusted", n1, "", machine("n1", trusted), nil, "node-restriction.kubernetes.io/"},
		{"as trusted, by a longer prefix", n1, "", machine("n1", map[string]string{"x.node-restriction.kubernetes.io/y": ""}), nil, "is not allowed to modify labels"},
		{"as trusted as it was", n1, "", machine("n1", trusted), machine("n1", trusted), ""},
		{"not trusted any more", n1, "", machine("n1", nil), machine("n1", trusted), "is not allowed to modify labels"},
		{"without its taint", n1, "", machine("n1", nil), machine("n1", nil, taint), `node "n1" is not allowed to modify taints`},
		{"with the same taint", n1, "", machine("n1", nil, taint), machine("n1", nil, taint), ""},
		{"anything, by who is no node", who("alice"), "", machine("n2", trusted), nil, ""},

		{"its lease", n1, "kube-node-lease", lease("n1"), nil, ""},
		{"another's lease", n1, "kube-node-lease", lease("n2"), nil, "lease"},

		{"a token of its pod", n1, "web", token(ref("Pod", "a", "1")), nil, ""},
		{"a token of nothing", n1, "web", token(nil), nil, "node requested token not bound to a pod"},
		{"a token of a Secret", n1, "web", token(ref("Secret", "a", "1")), nil, "not bound to a pod"},
		{"a token without UID", n1, "web", token(ref("Pod", "a", "")), nil, "without a uid"},
		{"a token of a pod that was", n1, "web", token(ref("Pod", "a", "other")), nil, "different node"},
		{"a token of another's pod", n2, "web", token(ref("Pod", "a", "1")), nil, "different node"},
		{"a token of another namespace", n1, "ci", token(ref("Pod", "a", "1")), nil, "different node"},

		{"an event", n1, "web", &corev1.Event{}, nil, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := node.Confirm(tt.who, tt.namespace, tt.object, tt.old)
			if (err == nil) != (tt.want == "") || (err != nil && !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("Confirm = %v, want %q", err, tt.want)
			}
		})
	}
}
