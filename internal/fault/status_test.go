package fault_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/causeway-access/causeway/internal/fault"
)

// The words and details of a fault are those of Kubernetes' own error.
func TestMissingReadsAsKubernetes(t *testing.T) {
	want := apierrors.NewNotFound(schema.GroupResource{Resource: "services"}, "x").Status()
	got := fault.Status(fault.Missing("op", "services", "x"))
	got.TypeMeta = metav1.TypeMeta{}
	if diff := cmp.Diff(&want, got); diff != "" {
		t.Errorf("-kubernetes +ours:\n%s", diff)
	}
}

func TestHTTPStatus(t *testing.T) {
	tests := []struct {
		name string
		err  error
		want int
	}{
		{"none", nil, 200},
		{"a fault", fault.New(fault.BadRequest, "op", "m"), 400},
		{"a wrapped fault", fmt.Errorf("outer: %w", fault.New(fault.Unavailable, "op", "m")), 503},
		{"too many", fault.New(fault.TooMany, "op", "m"), 429},
		{"an error of the API", apierrors.NewConflict(schema.GroupResource{}, "x", errors.New("y")), 409},
		{"any other error", errors.New("secret"), 500},
	}
	for _, tt := range tests {
		if got := fault.HTTPStatus(tt.err); got != tt.want {
			t.Errorf("%s: got %d, want %d", tt.name, got, tt.want)
		}
	}
	if m := fault.Status(errors.New("secret")).Message; m != "Internal error occurred" {
		t.Errorf("the client is told %q", m)
	}
}

func TestErrorNamesOperationAndCause(t *testing.T) {
	err := fault.Wrap(fault.Unavailable, "gateway.reach", "nothing answers", errors.New("refused"))
	if got, want := err.Error(), "gateway.reach: nothing answers: refused"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	err = fault.Wrap(fault.Unavailable, "gateway.reach", "cannot reach: refused", errors.New("refused"))
	if got, want := err.Error(), "gateway.reach: cannot reach: refused"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
