package controller

import (
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"
	endpointsliceutil "k8s.io/endpointslice/util"
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
	return Handle(l, informer, cache.ResourceEventHandlerFuncs{
		AddFunc:    add,
		UpdateFunc: func(old, obj any) { add(old); add(obj) },
		DeleteFunc: add,
	})
}

// Handle is Watch for loops which need to compare the old form with the new.
func Handle[K comparable](l *Loop[K], informer cache.SharedIndexInformer, handler cache.ResourceEventHandlerFuncs) error {
	registration, err := informer.AddEventHandler(handler)
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

// AddServicesOf adds the services whose selector matches a pod that changed in
// a way which matters to endpoints (change is nil if it does not matter).
func AddServicesOf(l *Loop[cache.ObjectName], services corelisters.ServiceLister, change *endpointsliceutil.PodProjectionKey) {
	names, err := endpointsliceutil.GetServicesToUpdate(services, change)
	if err != nil {
		l.logger.Error("finding the services of a pod", "error", err)
		return
	}
	for name := range names {
		if key, err := cache.ParseObjectName(name); err == nil {
			l.Add(key)
		}
	}
}
