package servers

import (
	"fmt"
	"net"
	"slices"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/labels"
	discoveryinformers "k8s.io/client-go/informers/discovery/v1"
	"k8s.io/client-go/tools/cache"
)

// serviceName and portName are those of the API servers themselves, in the
// namespace default.
const serviceName, portName = "kubernetes", "https"

// Find has the set know the servers that the cluster names, as they change.
// Whoever made the informer's factory starts it after that.
func (s *Set) Find(slices discoveryinformers.EndpointSliceInformer) error {
	ours := labels.SelectorFromSet(labels.Set{discoveryv1.LabelServiceName: serviceName})
	look := func() {
		all, err := slices.Lister().EndpointSlices(corev1.NamespaceDefault).List(ours)
		if found := addresses(all); err == nil && len(found) > 0 { // none cannot be, for one has told us so
			s.Found(found)
		}
	}
	_, err := slices.Informer().AddEventHandler(cache.FilteringResourceEventHandler{
		FilterFunc: func(o any) bool {
			slice, ok := o.(*discoveryv1.EndpointSlice)
			return !ok || slice.Namespace == corev1.NamespaceDefault && slice.Labels[discoveryv1.LabelServiceName] == serviceName
		},
		Handler: cache.ResourceEventHandlerFuncs{
			AddFunc: func(any) { look() }, UpdateFunc: func(any, any) { look() }, DeleteFunc: func(any) { look() },
		},
	})
	if err != nil {
		return fmt.Errorf("watching where API servers are: %w", err)
	}
	return nil
}

// addresses are HOST:PORT of the endpoints that are ready.
func addresses(all []*discoveryv1.EndpointSlice) (list []string) {
	for _, slice := range all {
		for _, port := range slice.Ports {
			if port.Port == nil || port.Name != nil && *port.Name != portName {
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
