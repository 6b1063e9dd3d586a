package servers

import (
	"fmt"

	discoveryv1 "k8s.io/api/discovery/v1"
	discoveryinformers "k8s.io/client-go/informers/discovery/v1"
	"k8s.io/client-go/tools/cache"

	"github.com/causeway-access/causeway/internal/catalog/apiservers"
)

// Find has the set know the servers that the cluster names, as they change.
// Whoever made the informer's factory starts it after that.
func (s *Set) Find(slices discoveryinformers.EndpointSliceInformer) error {
	look := func() {
		all, err := slices.Lister().EndpointSlices(apiservers.Namespace).List(apiservers.Selector())
		if found := apiservers.Addresses(all); err == nil && len(found) > 0 { // none cannot be, for one has told us so
			s.Found(found)
		}
	}
	_, err := slices.Informer().AddEventHandler(cache.FilteringResourceEventHandler{
		FilterFunc: func(o any) bool {
			slice, ok := o.(*discoveryv1.EndpointSlice)
			return !ok || apiservers.Speaks(slice)
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
