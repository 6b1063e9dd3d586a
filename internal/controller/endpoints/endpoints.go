// Package endpoints keeps the Endpoints object of each Service: from the pods
// that its selector finds, or for a Service without one from the
// EndpointSlices that were written for it. The kind is older than EndpointSlice and superseded by it, but
// `kubectl get endpoints` and many programs still read it.
//
// Floor 2: a client of the API only.
package endpoints

import (
	"context"
	"fmt"
	"maps"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"
	discoverylisters "k8s.io/client-go/listers/discovery/v1"
	"k8s.io/client-go/tools/cache"
	endpointsliceutil "k8s.io/endpointslice/util"

	"github.com/causeway-access/causeway/internal/controller"
)

// LabelManagedBy marks the Endpoints of this controller, with ManagedBy as its
// value, as Kubernetes does since 1.33.
const (
	LabelManagedBy = "endpoints.kubernetes.io/managed-by"
	ManagedBy      = "endpoint-controller"
)

const workers = 4

type reconciler struct {
	client    kubernetes.Interface
	services  corelisters.ServiceLister
	pods      corelisters.PodLister
	endpoints corelisters.EndpointsLister
	slices    discoverylisters.EndpointSliceLister
	triggers  *endpointsliceutil.TriggerTimeTracker
}

// New makes the controller.
func New(config controller.Config) (controller.Controller, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	core := config.Informers.Core().V1()
	r := &reconciler{
		client:    config.Client,
		services:  core.Services().Lister(),
		pods:      core.Pods().Lister(),
		endpoints: core.Endpoints().Lister(),
		slices:    config.Informers.Discovery().V1().EndpointSlices().Lister(),
		triggers:  endpointsliceutil.NewTriggerTimeTracker(),
	}
	loop := controller.NewLoop("endpoints", workers, config.For("endpoints"), r.reconcile)
	if err := controller.Watch(loop, core.Services().Informer(), controller.KeyOf[*corev1.Service]); err != nil {
		return nil, err
	}
	if err := controller.Watch(loop, core.Endpoints().Informer(), keyOfManaged); err != nil {
		return nil, err
	}
	if err := controller.Watch(loop, config.Informers.Discovery().V1().EndpointSlices().Informer(), keyOfSlice); err != nil {
		return nil, err
	}
	podChanged := func(old, obj any) {
		controller.AddServicesOf(loop, r.services, endpointsliceutil.GetPodUpdateProjectionKey(old, obj))
	}
	err := controller.Handle(loop, core.Pods().Informer(), cache.ResourceEventHandlerFuncs{
		AddFunc:    func(obj any) { podChanged(nil, obj) },
		UpdateFunc: podChanged,
		DeleteFunc: func(obj any) { podChanged(nil, obj) },
	})
	if err != nil {
		return nil, err
	}
	return loop, nil
}

// keyOfManaged passes over Endpoints written by hand: they may stand before
// their Service, and a key without a Service means that it was deleted.
func keyOfManaged(endpoints *corev1.Endpoints) []cache.ObjectName {
	if endpoints.Labels[LabelManagedBy] != ManagedBy {
		return nil
	}
	return controller.KeyOf(endpoints)
}

// reconcile brings the Endpoints of one service to what its pods are.
func (r *reconciler) reconcile(ctx context.Context, name cache.ObjectName) error {
	service, err := r.services.Services(name.Namespace).Get(name.Name)
	if apierrors.IsNotFound(err) {
		return r.serviceGone(ctx, name)
	}
	if err != nil {
		return fmt.Errorf("reading service %s: %w", name, err)
	}
	if service.Spec.Type == corev1.ServiceTypeExternalName {
		return nil
	}
	if len(service.Spec.Selector) == 0 {
		return controller.IgnoreGone(r.fromSlices(ctx, service))
	}
	pods, err := r.pods.Pods(name.Namespace).List(labels.Set(service.Spec.Selector).AsSelectorPreValidated())
	if err != nil {
		return fmt.Errorf("listing pods of service %s: %w", name, err)
	}
	trigger := r.triggers.ComputeEndpointLastChangeTriggerTime(name.Namespace, service, pods)
	return controller.IgnoreGone(r.write(ctx, service, subsetsOf(service, pods), trigger))
}

func (r *reconciler) serviceGone(ctx context.Context, name cache.ObjectName) error {
	r.triggers.DeleteService(name.Namespace, name.Name)
	err := r.client.CoreV1().Endpoints(name.Namespace).Delete(ctx, name.Name, metav1.DeleteOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("deleting the endpoints of deleted service %s: %w", name, err)
	}
	return nil
}

// write creates or updates the Endpoints of service, if they differ.
func (r *reconciler) write(ctx context.Context, service *corev1.Service, subsets []corev1.EndpointSubset, trigger time.Time) error {
	client := r.client.CoreV1().Endpoints(service.Namespace)
	current, err := r.endpoints.Endpoints(service.Namespace).Get(service.Name)
	if apierrors.IsNotFound(err) {
		created := &corev1.Endpoints{ObjectMeta: metav1.ObjectMeta{Name: service.Name, Namespace: service.Namespace}}
		describe(created, service, subsets, trigger)
		if _, err := client.Create(ctx, created, metav1.CreateOptions{}); err != nil {
			return fmt.Errorf("creating endpoints: %w", err)
		}
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading endpoints: %w", err)
	}
	changed := current.DeepCopy()
	describe(changed, service, subsets, trigger)
	if same(current, changed) {
		return nil
	}
	if _, err := client.Update(ctx, changed, metav1.UpdateOptions{}); err != nil {
		return fmt.Errorf("updating endpoints: %w", err)
	}
	return nil
}

// describe sets what this controller says in Endpoints.
func describe(endpoints *corev1.Endpoints, service *corev1.Service, subsets []corev1.EndpointSubset, trigger time.Time) {
	annotations := maps.Clone(endpoints.Annotations)
	if annotations == nil {
		annotations = map[string]string{}
	}
	delete(annotations, corev1.EndpointsLastChangeTriggerTime)
	if !trigger.IsZero() {
		annotations[corev1.EndpointsLastChangeTriggerTime] = trigger.UTC().Format(time.RFC3339Nano)
	}
	delete(annotations, corev1.EndpointsOverCapacity)
	if truncate(subsets) {
		annotations[corev1.EndpointsOverCapacity] = "truncated"
	}
	endpoints.Annotations = annotations
	endpoints.Labels = labelsOf(service)
	endpoints.Subsets = subsets
}

// labelsOf is the labels of service and those that this controller adds.
func labelsOf(service *corev1.Service) map[string]string {
	result := maps.Clone(service.Labels)
	if result == nil {
		result = map[string]string{}
	}
	delete(result, corev1.IsHeadlessService)
	if service.Spec.ClusterIP == "" || service.Spec.ClusterIP == corev1.ClusterIPNone {
		result[corev1.IsHeadlessService] = ""
	}
	result[LabelManagedBy] = ManagedBy
	if len(service.Spec.Selector) == 0 { // from slices, and not to be made into slices again
		result[discoveryv1.LabelSkipMirror] = "true"
	}
	return result
}

// same compares all but the trigger time, which describes a change and is none.
func same(a, b *corev1.Endpoints) bool {
	return maps.Equal(a.Labels, b.Labels) &&
		a.Annotations[corev1.EndpointsOverCapacity] == b.Annotations[corev1.EndpointsOverCapacity] &&
		apiequality.Semantic.DeepEqual(a.Subsets, b.Subsets)
}
