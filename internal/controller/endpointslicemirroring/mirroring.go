// Package endpointslicemirroring makes EndpointSlices of Endpoints which
// somebody wrote by hand for a Service without a selector, so that whoever
// routes need read one kind only.
//
// Not mirrored: Endpoints labelled endpointslice.kubernetes.io/skip-mirror=true
// and those that old programs use as a lock for leader election.
//
// Floor 2: a client of the API only.
package endpointslicemirroring

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"

	"github.com/causeway-access/causeway/internal/controller"
)

// ManagedBy is the value of the managed-by label on mirrored slices. It is the
// one that Kubernetes' own controller writes.
const ManagedBy = "endpointslicemirroring-controller.k8s.io"

const (
	// lockAnnotation is on Endpoints that hold a lock instead of addresses.
	lockAnnotation = "control-plane.alpha.kubernetes.io/leader"

	workers = 2
)

type reconciler struct {
	client    kubernetes.Interface
	services  corelisters.ServiceLister
	endpoints corelisters.EndpointsLister
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
		endpoints: core.Endpoints().Lister(),
	}
	loop := controller.NewLoop("endpointslicemirroring", workers, config.For("endpointslicemirroring"), r.reconcile)
	if err := controller.Watch(loop, core.Services().Informer(), controller.KeyOf[*corev1.Service]); err != nil {
		return nil, err
	}
	if err := controller.Watch(loop, core.Endpoints().Informer(), controller.KeyOf[*corev1.Endpoints]); err != nil {
		return nil, err
	}
	slices := config.Informers.Discovery().V1().EndpointSlices().Informer()
	if err := controller.Watch(loop, slices, keyOfMirrored); err != nil {
		return nil, err
	}
	return loop, nil
}

// keyOfMirrored lets a mirrored slice that somebody changed be put right.
func keyOfMirrored(slice *discoveryv1.EndpointSlice) []cache.ObjectName {
	service := slice.Labels[discoveryv1.LabelServiceName]
	if service == "" || slice.Labels[discoveryv1.LabelManagedBy] != ManagedBy {
		return nil
	}
	return []cache.ObjectName{cache.NewObjectName(slice.Namespace, service)}
}

// reconcile brings the mirrored slices of one name to what its Endpoints say.
func (r *reconciler) reconcile(ctx context.Context, name cache.ObjectName) error {
	desired, err := r.desired(name)
	if err != nil {
		return err
	}
	// Read live: mirrored slices are few and change seldom, and a cache that
	// does not yet show our last write would make us write duplicates.
	client := r.client.DiscoveryV1().EndpointSlices(name.Namespace)
	current, err := client.List(ctx, metav1.ListOptions{LabelSelector: labels.Set{
		discoveryv1.LabelServiceName: name.Name,
		discoveryv1.LabelManagedBy:   ManagedBy,
	}.String()})
	if err != nil {
		return fmt.Errorf("listing mirrored slices of %s: %w", name, err)
	}
	plan := compare(desired, current.Items)
	for _, slice := range plan.create {
		if _, err := client.Create(ctx, slice, metav1.CreateOptions{}); err != nil {
			return controller.IgnoreGone(fmt.Errorf("creating a slice for endpoints %s: %w", name, err))
		}
	}
	for _, slice := range plan.update {
		if _, err := client.Update(ctx, slice, metav1.UpdateOptions{}); err != nil {
			return controller.IgnoreGone(fmt.Errorf("updating slice %s: %w", slice.Name, err))
		}
	}
	for _, slice := range plan.delete {
		if err := client.Delete(ctx, slice, metav1.DeleteOptions{}); err != nil && !apierrors.IsNotFound(err) {
			return fmt.Errorf("deleting slice %s: %w", slice, err)
		}
	}
	return nil
}

// desired is the slices that should be, none if name is not to be mirrored.
func (r *reconciler) desired(name cache.ObjectName) ([]*discoveryv1.EndpointSlice, error) {
	endpoints, err := r.endpoints.Endpoints(name.Namespace).Get(name.Name)
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading endpoints %s: %w", name, err)
	}
	service, err := r.services.Services(name.Namespace).Get(name.Name)
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading service %s: %w", name, err)
	}
	if len(service.Spec.Selector) > 0 || !wanted(endpoints) {
		return nil, nil
	}
	return slicesOf(endpoints), nil
}

func wanted(endpoints *corev1.Endpoints) bool {
	_, lock := endpoints.Annotations[lockAnnotation]
	return !lock && endpoints.DeletionTimestamp == nil &&
		endpoints.Labels[discoveryv1.LabelSkipMirror] != "true"
}

// plan is what to write.
type plan struct {
	create, update []*discoveryv1.EndpointSlice
	delete         []string
}

// compare gives each desired slice an existing one with the same ports and
// address type, which are what cannot or should not change in place.
func compare(desired []*discoveryv1.EndpointSlice, current []discoveryv1.EndpointSlice) plan {
	var p plan
	used := make([]bool, len(current))
	for _, want := range desired {
		match := -1
		for i := range current {
			if !used[i] && current[i].AddressType == want.AddressType &&
				apiequality.Semantic.DeepEqual(current[i].Ports, want.Ports) {
				match = i
				break
			}
		}
		if match < 0 {
			p.create = append(p.create, want)
			continue
		}
		used[match] = true
		if updated := merge(&current[match], want); updated != nil {
			p.update = append(p.update, updated)
		}
	}
	for i := range current {
		if !used[i] {
			p.delete = append(p.delete, current[i].Name)
		}
	}
	return p
}

// merge is current with what want says, or nil if it says so already.
func merge(current, want *discoveryv1.EndpointSlice) *discoveryv1.EndpointSlice {
	merged := current.DeepCopy()
	merged.Labels = want.Labels
	merged.Annotations = want.Annotations
	merged.OwnerReferences = want.OwnerReferences
	merged.Endpoints = want.Endpoints
	if apiequality.Semantic.DeepEqual(current, merged) {
		return nil
	}
	return merged
}
