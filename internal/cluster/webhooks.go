package cluster

import (
	"fmt"
	"net/url"
	"strconv"

	"github.com/causeway-access/causeway/internal/route"
)

// webhookServices finds the services that webhooks are. The API server dials
// their endpoints itself, as the gateway does: cluster addresses mean nothing
// to it.
type webhookServices struct{ c *Cluster }

// ResolveEndpoint implements the library's ServiceResolver.
func (w webhookServices) ResolveEndpoint(namespace, name string, port int32) (*url.URL, error) {
	backend, err := w.c.catalog.Resolve(&route.Target{
		Verb: route.Proxy, Resource: route.Services, Namespace: namespace, Name: name, Port: strconv.Itoa(int(port)),
	})
	if err != nil {
		return nil, err
	}
	for _, e := range backend.Endpoints {
		if e.Addr.IsValid() {
			return &url.URL{Scheme: "https", Host: e.Addr.String()}, nil
		}
	}
	return nil, fmt.Errorf("no endpoints available for service %q", name)
}
