package endpoints

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/endpointslice"
	endpointsliceutil "k8s.io/endpointslice/util"
	"k8s.io/utils/net"
	"k8s.io/utils/ptr"
)

// maxAddresses is how many addresses an Endpoints object may hold before it is
// cut, as in Kubernetes: the object is sent whole at each change.
const maxAddresses = 1000

// subsetsOf is the addresses of pods, put together by the ports they serve,
// everything in a fixed order so that equal states are equal objects.
func subsetsOf(service *corev1.Service, pods []*corev1.Pod) []corev1.EndpointSubset {
	subsets := map[string]*corev1.EndpointSubset{}
	for _, pod := range pods {
		if !endpointsliceutil.ShouldPodBeInEndpoints(pod, service.Spec.PublishNotReadyAddresses) {
			continue
		}
		address, ok := addressOf(service, pod)
		if !ok {
			continue
		}
		ports, ok := portsOf(service, pod)
		if !ok {
			continue
		}
		key := keyOf(ports)
		subset := subsets[key]
		if subset == nil {
			subset = &corev1.EndpointSubset{Ports: ports}
			subsets[key] = subset
		}
		if service.Spec.PublishNotReadyAddresses || endpointsliceutil.IsPodReady(pod) {
			subset.Addresses = append(subset.Addresses, address)
		} else {
			subset.NotReadyAddresses = append(subset.NotReadyAddresses, address)
		}
	}
	return sorted(subsets)
}

// keyOf names a set of ports. Two pods that serve the same ports share it.
func keyOf(ports []corev1.EndpointPort) string {
	var key strings.Builder
	for _, port := range ports {
		fmt.Fprintf(&key, "%05d/%s %q %q,", port.Port, port.Protocol, port.Name, ptr.Deref(port.AppProtocol, ""))
	}
	return key.String()
}

func sorted(subsets map[string]*corev1.EndpointSubset) []corev1.EndpointSubset {
	var result []corev1.EndpointSubset
	for _, key := range slices.Sorted(maps.Keys(subsets)) {
		slices.SortFunc(subsets[key].Addresses, compareAddresses)
		slices.SortFunc(subsets[key].NotReadyAddresses, compareAddresses)
		result = append(result, *subsets[key])
	}
	return result
}

func compareAddresses(a, b corev1.EndpointAddress) int {
	return cmp.Or(cmp.Compare(a.IP, b.IP), cmp.Compare(uidOf(a), uidOf(b)))
}

func uidOf(address corev1.EndpointAddress) types.UID {
	if address.TargetRef == nil {
		return ""
	}
	return address.TargetRef.UID
}

// addressOf is the pod's address of the service's first family.
func addressOf(service *corev1.Service, pod *corev1.Pod) (corev1.EndpointAddress, bool) {
	ip := podIP(service, pod)
	if ip == "" {
		return corev1.EndpointAddress{}, false
	}
	address := corev1.EndpointAddress{
		IP: ip,
		TargetRef: &corev1.ObjectReference{
			Kind:      "Pod",
			Namespace: pod.Namespace,
			Name:      pod.Name,
			UID:       pod.UID,
		},
	}
	if pod.Spec.NodeName != "" {
		address.NodeName = &pod.Spec.NodeName
	}
	if endpointsliceutil.ShouldSetHostname(pod, service) {
		address.Hostname = pod.Spec.Hostname
	}
	return address, true
}

func podIP(service *corev1.Service, pod *corev1.Pod) string {
	wantIPv6 := net.IsIPv6String(service.Spec.ClusterIP)
	if len(service.Spec.IPFamilies) > 0 {
		wantIPv6 = service.Spec.IPFamilies[0] == corev1.IPv6Protocol
	}
	candidates := []string{}
	for _, ip := range pod.Status.PodIPs {
		candidates = append(candidates, ip.IP)
	}
	candidates = append(candidates, pod.Status.PodIP)
	for _, ip := range candidates {
		if ip != "" && net.IsIPv6String(ip) == wantIPv6 {
			return ip
		}
	}
	return ""
}

// portsOf is the service's ports as the pod serves them. It reports false if
// the service has ports and the pod serves none of them.
func portsOf(service *corev1.Service, pod *corev1.Pod) ([]corev1.EndpointPort, bool) {
	var ports []corev1.EndpointPort
	for i := range service.Spec.Ports {
		port := &service.Spec.Ports[i]
		number, err := endpointslice.FindPort(pod, port)
		if err != nil {
			continue // the pod has no container port of that name
		}
		ports = append(ports, corev1.EndpointPort{
			Name:        port.Name,
			Port:        int32(number),
			Protocol:    port.Protocol,
			AppProtocol: port.AppProtocol,
		})
	}
	headlessWithoutPorts := len(service.Spec.Ports) == 0 && service.Spec.ClusterIP == corev1.ClusterIPNone
	return ports, len(ports) > 0 || headlessWithoutPorts
}

// truncate cuts subsets to maxAddresses, ready ones first, and reports whether
// it had to.
func truncate(subsets []corev1.EndpointSubset) bool {
	room, cut := maxAddresses, false
	keep := func(addresses []corev1.EndpointAddress) []corev1.EndpointAddress {
		if len(addresses) > room {
			addresses, cut = addresses[:room], true
		}
		room -= len(addresses)
		return addresses
	}
	for i := range subsets {
		subsets[i].Addresses = keep(subsets[i].Addresses)
	}
	for i := range subsets {
		subsets[i].NotReadyAddresses = keep(subsets[i].NotReadyAddresses)
	}
	return cut
}
