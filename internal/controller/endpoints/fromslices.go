package endpoints

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/tools/cache"
	"k8s.io/utils/ptr"

	"github.com/causeway-access/causeway/internal/catalog/apiservers"
)

// mirrored marks slices that were made from Endpoints, and so never become any.
const mirrored = "endpointslicemirroring-controller.k8s.io"

// keyOfSlice is the service that a slice belongs to.
func keyOfSlice(slice *discoveryv1.EndpointSlice) []cache.ObjectName {
	service := slice.Labels[discoveryv1.LabelServiceName]
	if service == "" {
		return nil
	}
	return []cache.ObjectName{{Namespace: slice.Namespace, Name: service}}
}

// fromSlices shows slices that were written by hand, for a service without a
// selector, as Endpoints to those who read nothing else. Endpoints that were
// written by hand as well stay as they are, and so do those of the service
// `kubernetes`, which API servers write themselves.
func (r *reconciler) fromSlices(ctx context.Context, service *corev1.Service) error {
	if service.Namespace == apiservers.Namespace && service.Name == apiservers.Service {
		return nil
	}
	current, err := r.endpoints.Endpoints(service.Namespace).Get(service.Name)
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("reading endpoints: %w", err)
	}
	ours := err == nil && current.Labels[LabelManagedBy] == ManagedBy
	if err == nil && !ours {
		return nil
	}
	slices, err := r.handWritten(service)
	if err != nil {
		return err
	}
	if len(slices) == 0 {
		if !ours {
			return nil
		}
		err := r.client.CoreV1().Endpoints(service.Namespace).Delete(ctx, service.Name, metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &current.UID}})
		if err != nil && !apierrors.IsNotFound(err) {
			return fmt.Errorf("deleting endpoints whose slices are gone: %w", err)
		}
		return nil
	}
	trigger := r.triggers.ComputeEndpointLastChangeTriggerTime(service.Namespace, service, nil)
	return r.write(ctx, service, subsetsOfSlices(service, slices), trigger)
}

func (r *reconciler) handWritten(service *corev1.Service) ([]*discoveryv1.EndpointSlice, error) {
	of := labels.Set{discoveryv1.LabelServiceName: service.Name}.AsSelectorPreValidated()
	all, err := r.slices.EndpointSlices(service.Namespace).List(of)
	if err != nil {
		return nil, fmt.Errorf("listing slices of service %s/%s: %w", service.Namespace, service.Name, err)
	}
	var found []*discoveryv1.EndpointSlice
	for _, slice := range all {
		if slice.Labels[discoveryv1.LabelManagedBy] != mirrored && slice.DeletionTimestamp.IsZero() {
			found = append(found, slice)
		}
	}
	return found, nil
}

// subsetsOfSlices is the addresses of slices of the service's first family.
func subsetsOfSlices(service *corev1.Service, slices []*discoveryv1.EndpointSlice) []corev1.EndpointSubset {
	family := discoveryv1.AddressTypeIPv4
	if len(service.Spec.IPFamilies) > 0 && service.Spec.IPFamilies[0] == corev1.IPv6Protocol {
		family = discoveryv1.AddressTypeIPv6
	}
	subsets := map[string]*corev1.EndpointSubset{}
	for _, slice := range slices {
		ports := portsOfSlice(slice)
		if slice.AddressType != family || len(ports) == 0 && len(slice.Ports) > 0 {
			continue
		}
		key := keyOf(ports)
		if subsets[key] == nil {
			subsets[key] = &corev1.EndpointSubset{Ports: ports}
		}
		for _, endpoint := range slice.Endpoints {
			add(subsets[key], service, endpoint)
		}
	}
	return sorted(subsets)
}

// portsOfSlice leaves out ports without a number, which mean all of them and
// cannot be said in Endpoints.
func portsOfSlice(slice *discoveryv1.EndpointSlice) []corev1.EndpointPort {
	var ports []corev1.EndpointPort
	for _, port := range slice.Ports {
		if port.Port != nil {
			ports = append(ports, corev1.EndpointPort{
				Name: ptr.Deref(port.Name, ""), Port: *port.Port,
				Protocol: ptr.Deref(port.Protocol, corev1.ProtocolTCP), AppProtocol: port.AppProtocol,
			})
		}
	}
	return ports
}

// add puts an endpoint's first address into a subset; the others are the same
// endpoint (KEP-752), and Endpoints would take them for more.
func add(subset *corev1.EndpointSubset, service *corev1.Service, endpoint discoveryv1.Endpoint) {
	if len(endpoint.Addresses) == 0 {
		return
	}
	address := corev1.EndpointAddress{
		IP: endpoint.Addresses[0], Hostname: ptr.Deref(endpoint.Hostname, ""), NodeName: endpoint.NodeName, TargetRef: endpoint.TargetRef,
	}
	if service.Spec.PublishNotReadyAddresses || ptr.Deref(endpoint.Conditions.Ready, true) {
		subset.Addresses = append(subset.Addresses, address)
	} else {
		subset.NotReadyAddresses = append(subset.NotReadyAddresses, address)
	}
}
