package conformance

import (
	"testing"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestANodeWritesOnlyItsOwn(t *testing.T) {
	node := shared.As(t, "system:node:alpha", "system:nodes")
	create := metav1.CreateOptions{}
	for _, tt := range []struct {
		name    string
		write   func() error
		allowed bool
	}{
		{"its own node", func() error {
			_, err := node.CoreV1().Nodes().Create(t.Context(), &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "alpha"}}, create)
			return err
		}, true},
		{"another's node", func() error {
			_, err := node.CoreV1().Nodes().Create(t.Context(), &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "beta"}}, create)
			return err
		}, false},
		{"its own lease", func() error {
			_, err := node.CoordinationV1().Leases(corev1.NamespaceNodeLease).Create(t.Context(), &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Name: "alpha"}}, create)
			return err
		}, true},
		{"another's lease", func() error {
			_, err := node.CoordinationV1().Leases(corev1.NamespaceNodeLease).Create(t.Context(), &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Name: "beta"}}, create)
			return err
		}, false},
		{"a secret", func() error {
			_, err := node.CoreV1().Secrets("default").Create(t.Context(), &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "taken"}}, create)
			return err
		}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := tt.write()
			if tt.allowed && err != nil || !tt.allowed && !apierrors.IsForbidden(err) {
				t.Errorf("got %v, want allowed: %v", err, tt.allowed)
			}
		})
	}
	if err := shared.Client.CoreV1().Nodes().Delete(t.Context(), "alpha", metav1.DeleteOptions{}); err != nil {
		t.Error(err)
	}
}
