package garbagecollector

import (
	"context"
	"errors"
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
)

// errProtected says that an owner cannot be looked up and never will.
var errProtected = errors.New("a cluster-wide object cannot have an owner in a namespace")

// verdicts is the owner references of an object by what became of the owner.
type verdicts struct {
	solid, waiting, dangling []types.UID
}

// collect deletes a doubtful object if none of its owners is there to stay.
// If one is, the references to the others are taken out.
func (c *collector) collect(ctx context.Context, doubted *object) error {
	latest, err := c.live(ctx, doubted.identity)
	if latest == nil || err != nil || latest.DeletionTimestamp != nil {
		return err
	}
	found, err := c.judge(ctx, doubted.identity, latest.OwnerReferences)
	if errors.Is(err, errProtected) {
		c.logger.Warn("object kept: its owner cannot be looked up", "object", doubted.String(), "error", err)
		return nil
	}
	if err != nil {
		return fmt.Errorf("looking up the owners of %s: %w", doubted, err)
	}
	switch {
	case len(latest.OwnerReferences) == 0:
		return nil
	case len(found.solid) > 0:
		return c.dropOwners(ctx, doubted.identity, latest, slices.Concat(found.waiting, found.dangling))
	case len(found.waiting) > 0:
		return c.deleteForWaiting(ctx, doubted, latest)
	default:
		return c.delete(ctx, doubted.identity, latest, policyOf(latest))
	}
}

// judge looks up each owner.
func (c *collector) judge(ctx context.Context, dependent identity, references []metav1.OwnerReference) (verdicts, error) {
	var found verdicts
	for _, reference := range references {
		owner, err := c.owner(ctx, dependent, reference)
		switch {
		case err != nil:
			return found, err
		case owner == nil:
			found.dangling = append(found.dangling, reference.UID)
		case owner.waiting():
			found.waiting = append(found.waiting, reference.UID)
		default:
			found.solid = append(found.solid, reference.UID)
		}
	}
	return found, nil
}

// owner is the object that reference means, or nil if the API says that there
// is none. That an owner exists may be taken from the graph: when it goes, the
// graph will hear of it, and the dependent will be looked at again.
func (c *collector) owner(ctx context.Context, dependent identity, reference metav1.OwnerReference) (*object, error) {
	if known := c.graph.get(reference.UID); known != nil && known.is(reference, dependent) {
		return known, nil
	}
	version, err := schema.ParseGroupVersion(reference.APIVersion)
	if err != nil {
		return nil, fmt.Errorf("owner %s %s: %w", reference.Kind, reference.Name, err)
	}
	kind, ok := c.monitors.kind(version.WithKind(reference.Kind))
	if !ok {
		return nil, fmt.Errorf("owner %s: kind %s of %s is not served", reference.Name, reference.Kind, reference.APIVersion)
	}
	where := identity{resource: kind.resource, name: reference.Name, uid: reference.UID}
	if kind.namespaced {
		if dependent.namespace == "" {
			return nil, fmt.Errorf("owner %s %s: %w", reference.Kind, reference.Name, errProtected)
		}
		where.namespace = dependent.namespace
	}
	if _, known := c.absent.Get(where); known {
		return nil, nil
	}
	latest, err := c.live(ctx, where)
	if err != nil {
		return nil, err
	}
	if latest == nil {
		// For good: a UID that was given and is gone is not given again.
		c.absent.Add(where, struct{}{})
		return nil, nil
	}
	return newObject(kind, latest), nil
}

// live is the object as it is in the API now, or nil if it is not there.
func (c *collector) live(ctx context.Context, where identity) (*metav1.PartialObjectMetadata, error) {
	latest, err := c.metadata.Resource(where.resource).Namespace(where.namespace).Get(ctx, where.name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", where, err)
	}
	if latest.UID != where.uid {
		return nil, nil
	}
	return latest, nil
}

// deleteForWaiting deletes a dependent of an owner that waits for it. What the
// dependent owns goes before it, as before the owner.
func (c *collector) deleteForWaiting(ctx context.Context, doubted *object, latest *metav1.PartialObjectMetadata) error {
	dependents := c.graph.dependentsOf(doubted.uid)
	if len(dependents) == 0 {
		return c.delete(ctx, doubted.identity, latest, policyOf(latest))
	}
	if slices.ContainsFunc(dependents, (*object).waiting) {
		// A circle: its dependent waits, for all we know, for this very object.
		unblocked, err := c.unblockOwners(ctx, doubted.identity, latest)
		if err != nil || unblocked == nil {
			return err
		}
		latest = unblocked
	}
	return c.delete(ctx, doubted.identity, latest, metav1.DeletePropagationForeground)
}

// policyOf is the wish of whoever put a finalizer on the object beforehand.
func policyOf(latest *metav1.PartialObjectMetadata) metav1.DeletionPropagation {
	switch {
	case slices.Contains(latest.Finalizers, metav1.FinalizerOrphanDependents):
		return metav1.DeletePropagationOrphan
	case slices.Contains(latest.Finalizers, metav1.FinalizerDeleteDependents):
		return metav1.DeletePropagationForeground
	}
	return metav1.DeletePropagationBackground
}

// delete deletes just what was looked at. If it changed since (it may have got
// an owner) the API refuses, and the object is looked at again.
func (c *collector) delete(ctx context.Context, where identity, latest *metav1.PartialObjectMetadata, policy metav1.DeletionPropagation) error {
	err := c.metadata.Resource(where.resource).Namespace(where.namespace).Delete(ctx, where.name, metav1.DeleteOptions{
		Preconditions:     &metav1.Preconditions{UID: ptr.To(where.uid), ResourceVersion: ptr.To(latest.ResourceVersion)},
		PropagationPolicy: &policy,
	})
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("deleting %s, whose owners are gone: %w", where, err)
	}
	return nil
}
