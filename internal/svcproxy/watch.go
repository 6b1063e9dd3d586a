package svcproxy

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/tools/cache"
)

// Watch has a table told of services and endpoint slices by informers, which
// the caller starts after that. The function it returns reports whether the
// table knows all that the cluster had at the start.
func Watch(factory informers.SharedInformerFactory, t *Table) (synced func() bool, err error) {
	services := cache.ResourceEventHandlerFuncs{
		AddFunc:    func(o any) { t.SetService(o.(*corev1.Service)) },
		UpdateFunc: func(_, o any) { t.SetService(o.(*corev1.Service)) },
		DeleteFunc: dropped(t.DropService),
	}
	endpoints := cache.ResourceEventHandlerFuncs{
		AddFunc: func(o any) { t.SetSlice(o.(*discoveryv1.EndpointSlice)) },
		UpdateFunc: func(old, now any) {
			was, is := old.(*discoveryv1.EndpointSlice), now.(*discoveryv1.EndpointSlice)
			if owner(was) != owner(is) {
				t.DropSlice(was)
			}
			t.SetSlice(is)
		},
		DeleteFunc: dropped(t.DropSlice),
	}
	ofServices, err := factory.Core().V1().Services().Informer().AddEventHandler(services)
	if err != nil {
		return nil, fmt.Errorf("watching services for the service proxy: %w", err)
	}
	ofSlices, err := factory.Discovery().V1().EndpointSlices().Informer().AddEventHandler(endpoints)
	if err != nil {
		return nil, fmt.Errorf("watching endpoint slices for the service proxy: %w", err)
	}
	return func() bool { return ofServices.HasSynced() && ofSlices.HasSynced() }, nil
}

// dropped calls drop with what was deleted, also if the watch has missed when.
func dropped[T any](drop func(T)) func(any) {
	return func(o any) {
		if missed, ok := o.(cache.DeletedFinalStateUnknown); ok {
			o = missed.Obj
		}
		if gone, ok := o.(T); ok {
			drop(gone)
		}
	}
}
