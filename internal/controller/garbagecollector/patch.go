package garbagecollector

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// dropOwners takes the references to the given owners out of an object.
func (c *collector) dropOwners(ctx context.Context, where identity, latest *metav1.PartialObjectMetadata, drop []types.UID) error {
	kept := slices.DeleteFunc(slices.Clone(latest.OwnerReferences), func(reference metav1.OwnerReference) bool {
		return slices.Contains(drop, reference.UID)
	})
	if len(kept) == len(latest.OwnerReferences) {
		return nil
	}
	_, err := c.patch(ctx, where, latest, "ownerReferences", kept)
	return err
}

// unblockOwners lets the owners of an object go before it. It returns the
// object as it then is, nil if it is gone.
func (c *collector) unblockOwners(ctx context.Context, where identity, latest *metav1.PartialObjectMetadata) (*metav1.PartialObjectMetadata, error) {
	references := slices.Clone(latest.OwnerReferences)
	changed := false
	for i := range references {
		if block := references[i].BlockOwnerDeletion; block != nil && *block {
			references[i].BlockOwnerDeletion = new(bool)
			changed = true
		}
	}
	if !changed {
		return latest, nil
	}
	return c.patch(ctx, where, latest, "ownerReferences", references)
}

// removeFinalizer takes one finalizer from an object.
func (c *collector) removeFinalizer(ctx context.Context, where identity, finalizer string) error {
	latest, err := c.live(ctx, where)
	if latest == nil || err != nil || !slices.Contains(latest.Finalizers, finalizer) {
		return err
	}
	kept := slices.DeleteFunc(slices.Clone(latest.Finalizers), func(have string) bool { return have == finalizer })
	_, err = c.patch(ctx, where, latest, "finalizers", kept)
	return err
}

// patch sets one field of an object's metadata, if the object is still as
// latest says. A merge patch replaces a list whole and is understood for every
// kind; the resource version makes that safe. It returns the object as it then
// is, nil if it is gone.
func (c *collector) patch(ctx context.Context, where identity, latest *metav1.PartialObjectMetadata, field string, value any) (*metav1.PartialObjectMetadata, error) {
	body, err := json.Marshal(map[string]any{"metadata": map[string]any{
		field:             value,
		"uid":             latest.UID,
		"resourceVersion": latest.ResourceVersion,
	}})
	if err != nil {
		return nil, fmt.Errorf("writing a patch of %s: %w", where, err)
	}
	patched, err := c.metadata.Resource(where.resource).Namespace(where.namespace).
		Patch(ctx, where.name, types.MergePatchType, body, metav1.PatchOptions{})
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("changing the %s of %s: %w", field, where, err)
	}
	return patched, nil
}
