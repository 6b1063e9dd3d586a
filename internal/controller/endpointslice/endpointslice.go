// Package endpointslice keeps EndpointSlices for Services that have a selector:
// the addresses of the pods that the selector matches, with their readiness.
//
// The work of filling slices is k8s.io/endpointslice's; this package feeds it.
// Slices of other managers (hand-written ones, mirrored ones) are left alone.
//
// Floor 2: a client of the API only.
package endpointslice

import (
	"context"
	"fmt"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/labels"
	corelisters "k8s.io/client-go/listers/core/v1"
	discoverylisters "k8s.io/client-go/listers/discovery/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/endpointslice"
	endpointsliceutil "k8s.io/endpointslice/util"

	"github.com/causeway-access/causeway/internal/controller"
)

// ManagedBy is the value of the managed-by label on the slices of this
// controller. It is the one that Kubernetes' own controller writes.
const ManagedBy = "endpointslice-controller.k8s.io"

const (
	// maxEndpointsPerSlice is Kubernetes' default.
	maxEndpointsPerSlice = 100

	workers = 4
)

type slices struct {
	services   corelisters.ServiceLister
	pods       corelisters.PodLister
	slices     discoverylisters.EndpointSliceLister
	tracker    *endpointsliceutil.EndpointSliceTracker
	triggers   *endpointsliceutil.TriggerTimeTracker
	reconciler *endpointslice.Reconciler
	loop       *controller.Loop[cache.ObjectName]
}

// New makes the controller.
func New(config controller.Config) (controller.Controller, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	core := config.Informers.Core().V1()
	sliceInformer := config.Informers.Discovery().V1().EndpointSlices()
	s := &slices{
		services: core.Services().Lister(),
		pods:     core.Pods().Lister(),
		slices:   sliceInformer.Lister(),
		tracker:  endpointsliceutil.NewEndpointSliceTracker(),
		triggers: endpointsliceutil.NewTriggerTimeTracker(),
	}
	// No topology cache: hints by zone need nodes with zones. Without it the
	// reconciler records no events either.
	s.reconciler = endpointslice.NewReconciler(config.Client, nodes{core.Nodes().Lister()},
		maxEndpointsPerSlice, s.tracker, nil, nil, ManagedBy,
		endpointslice.WithPreferSameTrafficDistributionEnabled(true))
	s.loop = controller.NewLoop("endpointslice", workers, config.For("endpointslice"), s.reconcile)
	if err := s.watch(core.Services().Informer(), core.Pods().Informer(), core.Nodes().Informer(), sliceInformer.Informer()); err != nil {
		return nil, err
	}
	return s.loop, nil
}

// reconcile brings the slices of one service to what its pods are.
func (s *slices) reconcile(_ context.Context, name cache.ObjectName) error {
	service, err := s.services.Services(name.Namespace).Get(name.Name)
	if apierrors.IsNotFound(err) {
		// The garbage collector deletes the slices: the service owns them.
		s.triggers.DeleteService(name.Namespace, name.Name)
		s.reconciler.DeleteService(name.Namespace, name.Name)
		s.tracker.DeleteService(name.Namespace, name.Name)
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading service %s: %w", name, err)
	}
	if len(service.Spec.Selector) == 0 || service.Spec.Type == corev1.ServiceTypeExternalName {
		return nil
	}
	pods, err := s.pods.Pods(name.Namespace).List(labels.Set(service.Spec.Selector).AsSelectorPreValidated())
	if err != nil {
		return fmt.Errorf("listing pods of service %s: %w", name, err)
	}
	current, err := s.current(service)
	if err != nil {
		return err
	}
	if s.tracker.StaleSlices(service, current) {
		// Acting on slices older than our own writes would make duplicates.
		return controller.ErrAgain
	}
	trigger := s.triggers.ComputeEndpointLastChangeTriggerTime(name.Namespace, service, pods)
	// The reconciler returns as an error all that it would log.
	err = s.reconciler.Reconcile(logr.Discard(), service, pods, current, trigger)
	return controller.IgnoreGone(err)
}

// current is the slices of service which this controller manages.
func (s *slices) current(service *corev1.Service) ([]*discoveryv1.EndpointSlice, error) {
	all, err := s.slices.EndpointSlices(service.Namespace).List(labels.Set{
		discoveryv1.LabelServiceName: service.Name,
		discoveryv1.LabelManagedBy:   ManagedBy,
	}.AsSelectorPreValidated())
	if err != nil {
		return nil, fmt.Errorf("listing slices of service %s/%s: %w", service.Namespace, service.Name, err)
	}
	living := all[:0:0]
	for _, slice := range all {
		if slice.DeletionTimestamp == nil {
			living = append(living, slice)
		}
	}
	return living, nil
}
