// Package validation says which objects the API server accepts: the rules of
// each served kind, in Kubernetes' words, with the path of the field at fault.
//
// It is a part of the API server (floor 2) and pure: no rule looks at
// anything but the object, and its predecessor on update.
package validation

import (
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// Rules are the checks of one kind. A nil function checks nothing beyond
// what the generic registry checks of every object's metadata.
type Rules struct {
	// Create checks a new object, after defaulting.
	Create func(obj runtime.Object) field.ErrorList
	// Update checks a changed object against the stored one; it includes
	// the checks of Create that still apply.
	Update func(obj, old runtime.Object) field.ErrorList
	// Status checks a write to the status subresource.
	Status func(obj, old runtime.Object) field.ErrorList
}

// For returns the rules of a resource, the zero Rules if it has none.
func For(resource schema.GroupResource) Rules { return table()[resource] }

// rules adapts checks written for one type. Any of them may be nil.
func rules[T runtime.Object](create func(T) field.ErrorList, update, status func(obj, old T) field.ErrorList) Rules {
	var r Rules
	if create != nil {
		r.Create = func(obj runtime.Object) field.ErrorList { return create(obj.(T)) }
	}
	if update != nil {
		r.Update = func(obj, old runtime.Object) field.ErrorList { return update(obj.(T), old.(T)) }
	}
	if status != nil {
		r.Status = func(obj, old runtime.Object) field.ErrorList { return status(obj.(T), old.(T)) }
	}
	return r
}

// table lists every kind that has rules, by group.
func table() map[schema.GroupResource]Rules {
	return map[schema.GroupResource]Rules{}
}
