package endpointslice

import (
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/tools/cache"
	endpointsliceutil "k8s.io/endpointslice/util"

	"github.com/causeway-access/causeway/internal/controller"
)

// watch lets each event that can change a service's slices add that service.
func (s *slices) watch(services, pods, nodes, slices cache.SharedIndexInformer) error {
	if err := controller.Watch(s.loop, services, controller.KeyOf[*corev1.Service]); err != nil {
		return err
	}
	// A node that appears or goes decides on its pods; what a node says about
	// itself does not.
	if err := controller.Handle(s.loop, nodes, cache.ResourceEventHandlerFuncs{
		AddFunc:    func(any) { s.addAll() },
		DeleteFunc: func(any) { s.addAll() },
	}); err != nil {
		return err
	}
	if err := controller.Handle(s.loop, pods, cache.ResourceEventHandlerFuncs{
		AddFunc:    func(obj any) { s.podChanged(nil, obj) },
		UpdateFunc: s.podChanged,
		DeleteFunc: func(obj any) { s.podChanged(nil, obj) },
	}); err != nil {
		return err
	}
	return controller.Handle(s.loop, slices, cache.ResourceEventHandlerFuncs{
		AddFunc:    s.sliceAdded,
		UpdateFunc: s.sliceUpdated,
		DeleteFunc: s.sliceDeleted,
	})
}

func (s *slices) addAll() {
	services, err := s.services.List(labels.Everything())
	if err != nil {
		return // a cache's list with no selector cannot fail
	}
	for _, service := range services {
		s.loop.Add(cache.MetaObjectToName(service))
	}
}

func (s *slices) podChanged(old, obj any) {
	controller.AddServicesOf(s.loop, s.services, endpointsliceutil.GetPodUpdateProjectionKey(old, obj))
}

// sliceAdded, sliceUpdated and sliceDeleted tell our own writes, which the
// tracker expects, from those of others, which are to be put right.
func (s *slices) sliceAdded(obj any) {
	if slice, ok := managed(obj); ok && s.tracker.ShouldSync(slice) {
		s.addServiceOf(slice)
	}
}

func (s *slices) sliceUpdated(old, obj any) {
	before, wasOurs := managed(old)
	after, isOurs := managed(obj)
	switch {
	case wasOurs && !isOurs:
		s.addServiceOf(before)
	case isOurs && (!wasOurs || s.tracker.ShouldSync(after)):
		s.addServiceOf(after)
	}
}

func (s *slices) sliceDeleted(obj any) {
	slice, ok := managed(obj)
	if ok && s.tracker.Has(slice) && !s.tracker.HandleDeletion(slice) {
		s.addServiceOf(slice)
	}
}

func (s *slices) addServiceOf(slice *discoveryv1.EndpointSlice) {
	if name := slice.Labels[discoveryv1.LabelServiceName]; name != "" {
		s.loop.Add(cache.NewObjectName(slice.Namespace, name))
	}
}

// managed is the slice in an event, and whether it is one of this controller.
func managed(obj any) (*discoveryv1.EndpointSlice, bool) {
	slice, ok := controller.Object[*discoveryv1.EndpointSlice](obj)
	if !ok {
		return nil, false
	}
	return slice, slice.Labels[discoveryv1.LabelManagedBy] == ManagedBy
}
