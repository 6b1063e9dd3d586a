package localproxy

import (
	"context"
	"net/http"
	"slices"

	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	discovery "k8s.io/client-go/kubernetes/typed/discovery/v1"
	"k8s.io/client-go/rest"

	"github.com/causeway-access/causeway/internal/catalog/apiservers"
)

// discover adds the servers that the cluster names, and drops those it no
// longer does. That it cannot be asked, or not by this user, changes nothing.
func (s *servers) discover(ctx context.Context) {
	// Without verification a stranger at an address that the cluster had once
	// would be given the credentials.
	if !s.cfg.Discover || s.cfg.REST.Insecure {
		return
	}
	hosts, err := s.ask(ctx)
	if err != nil {
		if ctx.Err() == nil {
			s.cfg.Log.Debug("asking for the cluster's API servers", "error", err)
		}
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	kept := slices.DeleteFunc(slices.Clone(s.all), func(one *server) bool {
		return one.discovered && !slices.Contains(hosts, one.url.Host)
	})
	for _, host := range hosts {
		if slices.ContainsFunc(kept, func(one *server) bool { return one.url.Host == host }) {
			continue
		}
		if one, err := newServer(s.cfg, "https://"+host, true); err == nil {
			one.health.State = Down // until it has shown that it can be reached from here
			kept = append(kept, one)
		}
	}
	s.all = kept
}

// ask returns host:port of each API server that is ready.
func (s *servers) ask(ctx context.Context) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	one := s.pick(nil)
	config := &rest.Config{Host: one.at("").String(), WarningHandler: rest.NoWarnings{}}
	client, err := discovery.NewForConfigAndClient(config, &http.Client{Transport: one.plain})
	if err != nil {
		return nil, err
	}
	list, err := client.EndpointSlices(apiservers.Namespace).List(ctx, metav1.ListOptions{LabelSelector: apiservers.Selector().String()})
	if err != nil {
		return nil, err
	}
	all := make([]*discoveryv1.EndpointSlice, len(list.Items))
	for i := range list.Items {
		all[i] = &list.Items[i]
	}
	return apiservers.Addresses(all), nil
}
