package cli

import (
	"context"
	"net"
	"net/url"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utilnet "k8s.io/apimachinery/pkg/util/net"
	"k8s.io/client-go/kubernetes"

	"github.com/causeway-access/causeway/internal/route"
)

// Labels by which a service tells that it belongs to the cluster, and its name.
const (
	clusterServiceLabel = "kubernetes.io/cluster-service"
	nameLabel           = "kubernetes.io/name"
)

// clusterService is one service of the cluster and how it is reached.
type clusterService struct {
	// Name is what people call it, Service its name in Namespace.
	Name      string   `json:"name"`
	Service   string   `json:"service"`
	Namespace string   `json:"namespace"`
	URLs      []string `json:"urls"`
	// LocalURL is where the local proxy serves it, if one runs.
	LocalURL string `json:"localURL,omitempty"`
	// ReadyEndpoints is how many addresses answer for it; nil if the user may
	// not know.
	ReadyEndpoints *int `json:"readyEndpoints,omitempty"`

	local string // the host of LocalURL, if it can have one
}

// clusterServices asks for the services of the cluster in a namespace.
func clusterServices(ctx context.Context, client kubernetes.Interface, api, namespace string) ([]clusterService, error) {
	list, err := client.CoreV1().Services(namespace).List(ctx, metav1.ListOptions{LabelSelector: clusterServiceLabel + "=true"})
	if err != nil {
		return nil, err
	}
	// Who may list services but not this still wants to know the services.
	ready, known := readyEndpoints(ctx, client, namespace)
	services := []clusterService{}
	for i := range list.Items {
		s := &list.Items[i]
		one := clusterService{
			Name: s.Labels[nameLabel], Service: s.Name, Namespace: s.Namespace,
			URLs: serviceURLs(api, s), local: localName(s),
		}
		if one.Name == "" {
			one.Name = s.Name
		}
		if n := ready[s.Name]; known && s.Spec.Type != corev1.ServiceTypeExternalName {
			one.ReadyEndpoints = &n
		}
		services = append(services, one)
	}
	return services, nil
}

// readyEndpoints counts the addresses that are ready, by service.
func readyEndpoints(ctx context.Context, client kubernetes.Interface, namespace string) (map[string]int, bool) {
	list, err := client.DiscoveryV1().EndpointSlices(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, false
	}
	ready := map[string]int{}
	for _, slice := range list.Items {
		for _, e := range slice.Endpoints {
			if e.Conditions.Ready == nil || *e.Conditions.Ready {
				ready[slice.Labels[discoveryv1.LabelServiceName]]++
			}
		}
	}
	return ready, true
}

// serviceURLs are the addresses of a service's load balancer, one for each
// port, or else its URL at the API.
func serviceURLs(api string, s *corev1.Service) []string {
	if ingress := s.Status.LoadBalancer.Ingress; len(ingress) > 0 {
		host := ingress[0].IP
		if host == "" {
			host = ingress[0].Hostname
		}
		var urls []string
		for _, port := range s.Spec.Ports {
			u := url.URL{Scheme: "http", Host: net.JoinHostPort(host, strconv.Itoa(int(port.Port)))}
			urls = append(urls, u.String())
		}
		return urls
	}
	segment := s.Name
	if len(s.Spec.Ports) > 0 {
		segment = utilnet.JoinSchemeNamePort(firstScheme(s), s.Name, s.Spec.Ports[0].Name)
	}
	return []string{strings.TrimSuffix(api, "/") + "/api/v1/namespaces/" + s.Namespace + "/services/" + segment + "/proxy"}
}

// firstScheme is "https" if the first port of the service looks like it.
func firstScheme(s *corev1.Service) string {
	if port := s.Spec.Ports[0]; port.Name == "https" || port.Port == 443 {
		return route.SchemeHTTPS
	}
	return ""
}

// localName is the host under which a local proxy serves the first port of the
// service; empty if it has no port or no such name.
func localName(s *corev1.Service) string {
	if len(s.Spec.Ports) == 0 {
		return ""
	}
	t := route.Target{Resource: route.Services, Namespace: s.Namespace, Name: s.Name, Scheme: firstScheme(s)}
	if len(s.Spec.Ports) > 1 {
		t.Port = s.Spec.Ports[0].Name
	}
	name, _ := t.LocalName()
	return name
}
