package controller

import (
	"context"
	"encoding/json"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
)

// Claim finds the objects that an owner controls by the rules that all
// controllers of Kubernetes share.
type Claim[T metav1.Object] struct {
	// Owner is the controlling object, Kind what it is.
	Owner metav1.Object
	Kind  schema.GroupVersionKind
	// Selector says which objects it wants.
	Selector labels.Selector
	// Fresh reads the owner past all caches.
	Fresh func(ctx context.Context) (metav1.Object, error)
	// Patch merges a strategic merge patch into an object.
	Patch func(ctx context.Context, object T, patch []byte) error
}

// Of returns those of objects that are the owner's: they name it and match. One
// that matches and names nobody is adopted; one that names it and does not
// match any more, as when a user takes a pod out of service by its labels, is
// released.
func (c Claim[T]) Of(ctx context.Context, objects []T) ([]T, error) {
	var claimed []T
	leaving := c.Owner.GetDeletionTimestamp() != nil
	checked := false
	for _, object := range objects {
		ref := metav1.GetControllerOf(object)
		matches := c.Selector.Matches(labels.Set(object.GetLabels()))
		switch {
		case ref != nil && ref.UID != c.Owner.GetUID():
		case ref != nil && matches:
			claimed = append(claimed, object)
		case leaving || object.GetDeletionTimestamp() != nil:
		case ref != nil:
			if _, err := c.patch(ctx, object, map[string]any{"$patch": "delete", "uid": c.Owner.GetUID()}); err != nil {
				return nil, err
			}
		case matches:
			if !checked {
				if err := c.mayAdopt(ctx); err != nil {
					return nil, err
				}
				checked = true
			}
			adopted, err := c.patch(ctx, object, metav1.NewControllerRef(c.Owner, c.Kind))
			if err != nil {
				return nil, err
			}
			if adopted {
				claimed = append(claimed, object)
			}
		}
	}
	return claimed, nil
}

// mayAdopt asks the API server itself whether the owner is still there: one
// that was deleted must not take with it what was to be orphaned.
func (c Claim[T]) mayAdopt(ctx context.Context) error {
	fresh, err := c.Fresh(ctx)
	if err != nil {
		return fmt.Errorf("reading the adopting %s: %w", c.Kind.Kind, err)
	}
	if fresh.GetUID() != c.Owner.GetUID() || fresh.GetDeletionTimestamp() != nil {
		return fmt.Errorf("%s %s/%s is gone or going and adopts nothing", c.Kind.Kind, c.Owner.GetNamespace(), c.Owner.GetName())
	}
	return nil
}

// patch merges one reference into an object's owners. It reports false if the
// object is gone.
func (c Claim[T]) patch(ctx context.Context, object T, ref any) (bool, error) {
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"uid": object.GetUID(), "ownerReferences": []any{ref}}})
	if err != nil {
		return false, err
	}
	err = c.Patch(ctx, object, patch)
	switch {
	case apierrors.IsNotFound(err), apierrors.IsConflict(err): // it, or one of the same name after it
		return false, nil
	case err != nil:
		return false, fmt.Errorf("changing the owner of %s/%s: %w", object.GetNamespace(), object.GetName(), err)
	}
	return true, nil
}

// StrategicMerge is the type of the patches that claims make.
const StrategicMerge = types.StrategicMergePatchType
