package printers

import (
	"net"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
)

// endpoints shows the addresses that are ready.
func endpoints() view {
	return viewOf(columns(
		nameColumn(),
		text("Endpoints", corev1.Endpoints{}.SwaggerDoc()["subsets"]),
		ageColumn(),
	), func(e *corev1.Endpoints) []any {
		return []any{e.Name, subsets(e.Subsets), age(e.CreationTimestamp)}
	})
}

func subsets(list []corev1.EndpointSubset) string {
	if len(list) == 0 {
		return none
	}
	var all []string
	for _, s := range list {
		all = append(all, subset(s)...)
	}
	return firstOf(all)
}

// subset is every address with every port; a headless service may have none.
func subset(s corev1.EndpointSubset) []string {
	var all []string
	if len(s.Ports) == 0 {
		for _, a := range s.Addresses {
			all = append(all, a.IP)
		}
		return all
	}
	for _, p := range s.Ports {
		for _, a := range s.Addresses {
			all = append(all, net.JoinHostPort(a.IP, strconv.Itoa(int(p.Port))))
		}
	}
	return all
}

// endpointSlices shows addresses and ports apart, as a slice holds them.
func endpointSlices() view {
	doc := discoveryv1.EndpointSlice{}.SwaggerDoc()
	return viewOf(columns(
		nameColumn(),
		text("AddressType", doc["addressType"]),
		text("Ports", doc["ports"]),
		text("Endpoints", doc["endpoints"]),
		ageColumn(),
	), func(s *discoveryv1.EndpointSlice) []any {
		return []any{
			s.Name, string(s.AddressType), slicePorts(s.Ports), sliceAddresses(s.Endpoints), age(s.CreationTimestamp),
		}
	})
}

func slicePorts(ports []discoveryv1.EndpointPort) string {
	if len(ports) == 0 {
		return unset
	}
	list := make([]string, 0, len(ports))
	for _, p := range ports {
		switch {
		case p.Port != nil:
			list = append(list, strconv.Itoa(int(*p.Port)))
		case p.Name != nil:
			list = append(list, *p.Name)
		default:
			list = append(list, "*")
		}
	}
	return firstOf(list)
}

func sliceAddresses(endpoints []discoveryv1.Endpoint) string {
	if len(endpoints) == 0 {
		return unset
	}
	var list []string
	for _, e := range endpoints {
		list = append(list, e.Addresses...)
	}
	return firstOf(list)
}
