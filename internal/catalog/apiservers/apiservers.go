// Package apiservers is where a cluster says that its API servers are: in the
// EndpointSlices of the service kubernetes. Floor F1.
package apiservers

import (
	"net"
	"slices"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// Namespace and Service are those of the API servers themselves, Port is the name
// of the service's port.
const (
	Namespace = corev1.NamespaceDefault
	Service   = "kubernetes"
	Port      = "https"
)

// Selector is of the EndpointSlices, in Namespace, that say where they are.
func Selector() labels.Selector {
	return labels.SelectorFromSet(labels.Set{discoveryv1.LabelServiceName: Service})
}

// Speaks reports that a slice is one of them.
func Speaks(slice *discoveryv1.EndpointSlice) bool {
	return slice.Namespace == Namespace && slice.Labels[discoveryv1.LabelServiceName] == Service
}

// Addresses are HOST:PORT of the API servers that are ready, sorted and each once.
func Addresses(all []*discoveryv1.EndpointSlice) (list []string) {
	for _, slice := range all {
		for _, port := range slice.Ports {
			if port.Port == nil || port.Name != nil && *port.Name != Port {
				continue
			}
			for _, e := range slice.Endpoints {
				if e.Conditions.Ready != nil && !*e.Conditions.Ready {
					continue
				}
				for _, address := range e.Addresses {
					list = append(list, net.JoinHostPort(address, strconv.Itoa(int(*port.Port))))
				}
			}
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}
