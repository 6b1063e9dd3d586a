package garbagecollector

import (
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
)

// identity is where an object is, and which of those that were ever there.
type identity struct {
	resource  schema.GroupVersionResource
	namespace string // empty for cluster-wide objects
	name      string
	uid       types.UID
}

func (i identity) String() string {
	if i.namespace == "" {
		return fmt.Sprintf("%s %s", i.resource.GroupResource(), i.name)
	}
	return fmt.Sprintf("%s %s/%s", i.resource.GroupResource(), i.namespace, i.name)
}

// object is what the graph knows of an object. It is never changed.
type object struct {
	identity
	kind   schema.GroupKind
	owners []metav1.OwnerReference

	deleting   bool // has a deletion timestamp
	orphaning  bool // has the finalizer "orphan"
	foreground bool // has the finalizer "foregroundDeletion"
}

// newObject is the object that meta describes.
func newObject(kind resourceKind, meta *metav1.PartialObjectMetadata) *object {
	return &object{
		identity: identity{
			resource:  kind.resource,
			namespace: meta.Namespace,
			name:      meta.Name,
			uid:       meta.UID,
		},
		kind:       kind.kind,
		owners:     meta.OwnerReferences,
		deleting:   meta.DeletionTimestamp != nil,
		orphaning:  slices.Contains(meta.Finalizers, metav1.FinalizerOrphanDependents),
		foreground: slices.Contains(meta.Finalizers, metav1.FinalizerDeleteDependents),
	}
}

// waiting reports that the object is to go when what it owns is gone.
func (o *object) waiting() bool { return o.deleting && o.foreground }

// blocks reports that the object holds up the foreground deletion of owner.
func (o *object) blocks(owner types.UID) bool {
	return slices.ContainsFunc(o.owners, func(reference metav1.OwnerReference) bool {
		return reference.UID == owner && reference.BlockOwnerDeletion != nil && *reference.BlockOwnerDeletion
	})
}

// is reports that reference, in dependent, means this object.
func (o *object) is(reference metav1.OwnerReference, dependent identity) bool {
	version, err := schema.ParseGroupVersion(reference.APIVersion)
	return err == nil && o.uid == reference.UID && o.name == reference.Name &&
		o.kind == schema.GroupKind{Group: version.Group, Kind: reference.Kind} &&
		(o.namespace == "" || o.namespace == dependent.namespace)
}
