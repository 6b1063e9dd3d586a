package validation_test

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/causeway-access/causeway/internal/apiserver/validation"
)

const teamNamespace = `{apiVersion: v1, kind: Namespace, metadata: {name: team-a}, spec: {finalizers: [kubernetes]}}`

func TestNamespaceIsRefusedWhenCreated(t *testing.T) {
	creations(t, core("namespaces"), teamNamespace, []change[*corev1.Namespace]{
		{"a name with a dot", func(n *corev1.Namespace) { n.Name = "a.b" }, []string{invalid + " metadata.name"}},
		{"a name in capitals", func(n *corev1.Namespace) { n.Name = "A" }, []string{invalid + " metadata.name"}},
		{"no name", func(n *corev1.Namespace) { n.Name = "" }, []string{required + " metadata.name"}},
		{"an unknown finalizer", func(n *corev1.Namespace) { n.Spec.Finalizers = []corev1.FinalizerName{"mine"} }, []string{invalid + " spec.finalizers[0]"}},
		{"a finalizer with a domain", func(n *corev1.Namespace) {
			n.Spec.Finalizers = []corev1.FinalizerName{"example.org/mine"}
		}, nil},
		{"a bad label", func(n *corev1.Namespace) { n.Labels = map[string]string{"a b": "c"} }, []string{invalid + " metadata.labels"}},
	})
}

func TestNamespacePhaseFollowsDeletion(t *testing.T) {
	old := stored[*corev1.Namespace](t, teamNamespace)
	old.Status.Phase = corev1.NamespaceActive
	updates(t, validation.For(core("namespaces")).Status, old, []change[*corev1.Namespace]{
		{"alive and active", func(*corev1.Namespace) {}, nil},
		{"alive and terminating", func(n *corev1.Namespace) { n.Status.Phase = corev1.NamespaceTerminating }, []string{invalid + " status.phase"}},
	})
	deleted := old.DeepCopy()
	deleted.DeletionTimestamp = &metav1.Time{Time: time.Unix(1, 0)}
	updates(t, validation.For(core("namespaces")).Status, deleted, []change[*corev1.Namespace]{
		{"deleted and terminating", func(n *corev1.Namespace) { n.Status.Phase = corev1.NamespaceTerminating }, nil},
		{"deleted and active", func(*corev1.Namespace) {}, []string{invalid + " status.phase"}},
	})
}

func TestNamespaceFinalize(t *testing.T) {
	check := func(obj, old runtime.Object) field.ErrorList {
		return validation.NamespaceFinalizeUpdate(obj.(*corev1.Namespace), old.(*corev1.Namespace))
	}
	updates(t, check, stored[*corev1.Namespace](t, teamNamespace), []change[*corev1.Namespace]{
		{"the last one goes", func(n *corev1.Namespace) { n.Spec.Finalizers = nil }, nil},
		{"an unknown one comes", func(n *corev1.Namespace) {
			n.Spec.Finalizers = append(n.Spec.Finalizers, "mine")
		}, []string{invalid + " spec.finalizers[1]"}},
	})
}
