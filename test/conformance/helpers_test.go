package conformance

import (
	"context"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// deleter is the part of a typed client that removes an object.
type deleter interface {
	Delete(ctx context.Context, name string, opts metav1.DeleteOptions) error
}

// deleteLater removes an object that is in no namespace when its test has
// ended; that it is gone already is no fault.
func deleteLater(t *testing.T, client deleter, name string) {
	t.Helper()
	err := client.Delete(context.WithoutCancel(t.Context()), name, metav1.DeleteOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		t.Errorf("deleting %s: %v", name, err)
	}
}
