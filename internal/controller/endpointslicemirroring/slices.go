package endpointslicemirroring

import (
	"maps"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/net"
	"k8s.io/utils/ptr"
)

// maxEndpointsPerSlice is the API's own limit, and the most that Kubernetes
// mirrors of one subset.
const maxEndpointsPerSlice = 1000

// slicesOf is a slice for each subset and address family in endpoints.
func slicesOf(endpoints *corev1.Endpoints) []*discoveryv1.EndpointSlice {
	var result []*discoveryv1.EndpointSlice
	for i := range endpoints.Subsets {
		subset := &endpoints.Subsets[i]
		for _, family := range []discoveryv1.AddressType{discoveryv1.AddressTypeIPv4, discoveryv1.AddressTypeIPv6} {
			addresses := append(
				endpointsOf(subset.Addresses, family, true),
				endpointsOf(subset.NotReadyAddresses, family, false)...)
			if len(addresses) == 0 {
				continue
			}
			result = append(result, &discoveryv1.EndpointSlice{
				ObjectMeta:  metaOf(endpoints),
				AddressType: family,
				Endpoints:   addresses[:min(len(addresses), maxEndpointsPerSlice)],
				Ports:       portsOf(subset.Ports),
			})
		}
	}
	return result
}

// metaOf is the metadata of a slice made from endpoints: its labels and its
// annotations but those that speak of the Endpoints object itself.
func metaOf(endpoints *corev1.Endpoints) metav1.ObjectMeta {
	meta := metav1.ObjectMeta{
		GenerateName: endpoints.Name + "-",
		Namespace:    endpoints.Namespace,
		Labels:       maps.Clone(endpoints.Labels),
		Annotations:  maps.Clone(endpoints.Annotations),
		OwnerReferences: []metav1.OwnerReference{
			*metav1.NewControllerRef(endpoints, corev1.SchemeGroupVersion.WithKind("Endpoints")),
		},
	}
	if meta.Labels == nil {
		meta.Labels = map[string]string{}
	}
	delete(meta.Labels, discoveryv1.LabelSkipMirror)
	meta.Labels[discoveryv1.LabelServiceName] = endpoints.Name
	meta.Labels[discoveryv1.LabelManagedBy] = ManagedBy
	delete(meta.Annotations, corev1.LastAppliedConfigAnnotation)
	return meta
}

func endpointsOf(addresses []corev1.EndpointAddress, family discoveryv1.AddressType, ready bool) []discoveryv1.Endpoint {
	var result []discoveryv1.Endpoint
	for i := range addresses {
		address := &addresses[i]
		if net.IsIPv6String(address.IP) != (family == discoveryv1.AddressTypeIPv6) {
			continue
		}
		endpoint := discoveryv1.Endpoint{
			Addresses:  []string{address.IP},
			Conditions: discoveryv1.EndpointConditions{Ready: ptr.To(ready)},
			TargetRef:  address.TargetRef,
			NodeName:   address.NodeName,
		}
		if address.Hostname != "" {
			endpoint.Hostname = ptr.To(address.Hostname)
		}
		result = append(result, endpoint)
	}
	return result
}

func portsOf(ports []corev1.EndpointPort) []discoveryv1.EndpointPort {
	result := make([]discoveryv1.EndpointPort, 0, len(ports))
	for i := range ports {
		protocol := ports[i].Protocol
		if protocol == "" {
			protocol = corev1.ProtocolTCP
		}
		result = append(result, discoveryv1.EndpointPort{
			Name:        ptr.To(ports[i].Name),
			Port:        ptr.To(ports[i].Port),
			Protocol:    ptr.To(protocol),
			AppProtocol: ports[i].AppProtocol,
		})
	}
	return result
}
