package validation_test

import (
	"context"
	"testing"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/utils/ptr"

	"github.com/causeway-access/causeway/internal/apiserver/validation"
)

func TestDeclaredRulesRefuse(t *testing.T) {
	s := podScheme(t)
	slice := &discoveryv1.EndpointSlice{AddressType: discoveryv1.AddressTypeIPv4}
	other := &discoveryv1.EndpointSlice{AddressType: discoveryv1.AddressTypeIPv6}
	for _, c := range []struct {
		name     string
		obj, old runtime.Object
		want     []string
	}{
		{"replicas", &corev1.ReplicationController{Spec: corev1.ReplicationControllerSpec{Replicas: ptr.To(int32(-1))}}, nil,
			[]string{"spec.replicas: Invalid value"}},
		{"role", &rbacv1.RoleBinding{}, nil, []string{"roleRef.name: Required value"}},
		{"address type", &discoveryv1.EndpointSlice{}, nil, []string{"addressType: Required value"}},
		{"change of address type", slice, other, []string{"addressType: Invalid value"}},
		{"ingress backend", &networkingv1.IngressClass{Spec: networkingv1.IngressClassSpec{Parameters: &networkingv1.IngressClassParametersReference{}}}, nil,
			[]string{"spec.parameters.kind: Required value", "spec.parameters.name: Required value"}},
		{"valid pod", validPod(t, s), nil, nil},
		{"kind without declared rules", &corev1.Binding{}, nil, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.old != nil {
				wantFaults(t, validation.DeclaredUpdate(context.Background(), s, c.obj, c.old), c.want...)
				return
			}
			wantFaults(t, validation.Declared(context.Background(), s, c.obj), c.want...)
		})
	}
}

func TestDeclaredRulesOnTrialDoNotBind(t *testing.T) {
	s := podScheme(t)
	pod := validPod(t, s)
	pod.Spec.Tolerations[0].Key = "a b" // a rule marked alpha; the written one refuses it
	wantFaults(t, validation.Declared(context.Background(), s, pod))
}

func TestMergeSaysEachThingOnce(t *testing.T) {
	p := field.NewPath("spec")
	written := field.ErrorList{field.Required(p.Child("a"), "mine"), field.Invalid(p.Child("b"), 1, "mine"), field.Invalid(p.Child("b"), 1, "mine too")}
	declared := field.ErrorList{field.Required(p.Child("a"), ""), field.Required(p.Child("b"), ""), field.Invalid(p.Child("c"), 1, "")}
	wantFaults(t, validation.Merge(written, declared),
		"spec.a: Required value", "spec.b: Invalid value", "spec.b: Invalid value", "spec.b: Required value", "spec.c: Invalid value")
	if got := validation.Merge(written, declared)[0].Detail; got != "mine" {
		t.Errorf("kept the error %q, want the written one", got)
	}
}

func TestWrittenAndDeclaredRulesAgree(t *testing.T) {
	s := podScheme(t)
	rc := &corev1.ReplicationController{ObjectMeta: metav1.ObjectMeta{Name: "web", Namespace: "default"}, Spec: corev1.ReplicationControllerSpec{
		Replicas: ptr.To(int32(-1)), MinReadySeconds: -1, Selector: map[string]string{"app": "web"},
		Template: &corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": "web"}}, Spec: validPod(t, s).Spec},
	}}
	wantFaults(t, validation.Merge(rulesOf("replicationcontrollers").Create(rc), validation.Declared(context.Background(), s, rc)),
		"spec.minReadySeconds: Invalid value", "spec.replicas: Invalid value")
}
