package localproxy

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strconv"

	discoveryv1 "k8s.io/api/discovery/v1"
)

// slicesPath lists where the cluster's API servers are.
const slicesPath = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices?labelSelector=kubernetes.io%2Fservice-name%3Dkubernetes"

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
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, one.at("").String()+slicesPath, nil)
	if err != nil {
		return nil, err
	}
	resp, err := one.plain.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answers %s", slicesPath, resp.Status)
	}
	var list discoveryv1.EndpointSliceList
	if err := json.NewDecoder(resp.Body).Decode(&list); err != nil {
		return nil, fmt.Errorf("reading %s: %w", slicesPath, err)
	}
	return hostsOf(list.Items), nil
}

func hostsOf(items []discoveryv1.EndpointSlice) []string {
	var hosts []string
	for _, slice := range items {
		for _, port := range slice.Ports {
			if port.Port == nil || port.Name != nil && *port.Name != "https" {
				continue
			}
			for _, e := range slice.Endpoints {
				if e.Conditions.Ready != nil && !*e.Conditions.Ready {
					continue
				}
				for _, address := range e.Addresses {
					hosts = append(hosts, net.JoinHostPort(address, strconv.Itoa(int(*port.Port))))
				}
			}
		}
	}
	slices.Sort(hosts)
	return slices.Compact(hosts)
}
