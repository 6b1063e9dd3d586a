package controller

import (
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/cache"
)

// Watch adds the keys that keys makes of each object that informer reports as
// added, changed (its old and its new form) or deleted, and makes Run wait
// until the first list has been seen.
func Watch[T metav1.Object, K comparable](l *Loop[K], informer cache.SharedIndexInformer, keys func(T) []K) error {
	add := func(obj any) {
		object, ok := Object[T](obj)
		if !ok {
			return
		}
		for _, key := range keys(object) {
			l.Add(key)
		}
	}
	registration, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    add,
		UpdateFunc: func(old, obj any) { add(old); add(obj) },
		DeleteFunc: add,
	})
	if err != nil {
		return fmt.Errorf("controller %s: watching: %w", l.name, err)
	}
	l.Needs(registration.HasSynced)
	return nil
}

// Object is the T in what an informer hands to its handlers, also when the
// informer missed the deletion and hands out the last form that it knew.
func Object[T any](obj any) (T, bool) {
	if tombstone, ok := obj.(cache.DeletedFinalStateUnknown); ok {
		obj = tombstone.Obj
	}
	object, ok := obj.(T)
	return object, ok
}

// KeyOf is the name that most loops have as their key.
func KeyOf[T metav1.Object](object T) []cache.ObjectName {
	return []cache.ObjectName{cache.MetaObjectToName(object)}
}
