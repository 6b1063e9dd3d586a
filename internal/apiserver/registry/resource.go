// Package registry turns the description of a resource into its REST
// storage: one strategy serves every kind, and what a kind does differently
// stands in its [Resource].
package registry

import (
	"context"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/causeway-access/causeway/internal/apiserver/validation"
)

// Resource describes one served resource. The zero value of each hook means
// that the kind does nothing special there.
type Resource struct {
	// Kind is the group, version and kind that is served.
	Kind schema.GroupVersionKind
	// Plural and Singular are the resource's names, lower case.
	Plural, Singular string
	// Short are the abbreviations kubectl takes; Categories the groups such as "all".
	Short, Categories []string
	// Namespaced tells whether objects live in a namespace.
	Namespaced bool
	// New and NewList make empty objects.
	New, NewList func() runtime.Object

	// Status says that the kind has a status, written through a subresource.
	Status bool
	// StatusOnCreate keeps the status that a new object comes with.
	StatusOnCreate bool
	// Generation says that metadata.generation counts the changes of the spec.
	Generation bool
	// CreateOnUpdate allows PUT to create.
	CreateOnUpdate bool
	// TTL is the lifetime of an object in seconds, 0 for ever.
	TTL uint64

	// Fields are the values of the kind's own field selectors.
	Fields func(obj runtime.Object) fields.Set
	// PrepareCreate completes an object before it is validated and stored.
	PrepareCreate func(ctx context.Context, obj runtime.Object)
	// PrepareUpdate carries over what an update may not touch.
	PrepareUpdate func(ctx context.Context, obj, old runtime.Object)
	// PrepareStatus does the same for a write to the status.
	PrepareStatus func(ctx context.Context, obj, old runtime.Object)
	// Rules are the checks; see package validation.
	Rules validation.Rules
	// Grace decides the grace period of a deletion and returns whether there
	// is to be one at all; it may change options.
	Grace func(ctx context.Context, obj runtime.Object, options *metav1.DeleteOptions) bool
}

// Group is the resource's group and plural name.
func (r *Resource) Group() schema.GroupResource {
	return schema.GroupResource{Group: r.Kind.Group, Resource: r.Plural}
}

// Define describes a resource whose kind is T, list L. The singular is the
// kind in lower case, as everywhere in Kubernetes.
func Define[T, L any, PT object[T], PL object[L]](gv schema.GroupVersion, kind, plural, singular string) *Resource {
	r := &Resource{
		Kind: gv.WithKind(kind), Plural: plural, Singular: singular, Namespaced: true,
		New:     func() runtime.Object { return PT(new(T)) },
		NewList: func() runtime.Object { return PL(new(L)) },
	}
	r.Rules = validation.For(r.Group())
	return r
}

type object[T any] interface {
	*T
	runtime.Object
}
