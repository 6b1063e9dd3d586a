package cli

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/url"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utilnet "k8s.io/apimachinery/pkg/util/net"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// Labels by which a service tells that it belongs to the cluster, and its name.
const (
	clusterServiceLabel = "kubernetes.io/cluster-service"
	nameLabel           = "kubernetes.io/name"
)

// clusterInfo is what `causeway cluster-info -o json` prints.
type clusterInfo struct {
	// ControlPlane is the URL of the API.
	ControlPlane string           `json:"controlPlane"`
	Services     []clusterService `json:"services"`
}

// clusterService is one service of the cluster and how it is reached.
type clusterService struct {
	Name      string   `json:"name"`
	Namespace string   `json:"namespace"`
	URLs      []string `json:"urls"`
}

func newClusterInfo(streams genericiooptions.IOStreams) *cobra.Command {
	var format output
	connection := newConnection()
	c := &cobra.Command{
		Use:   "cluster-info",
		Short: "Print the URLs of the API and of the cluster's services",
		Long: `Print where the API is, and the URL of each service that is labelled
kubernetes.io/cluster-service=true in kube-system, or in the namespace given
with -n. A service shows the name in its label kubernetes.io/name, if it has one.`,
		Example: `  causeway cluster-info
  causeway cluster-info -n monitoring -o json
  causeway cluster-info dump --output-directory=/tmp/cluster-state`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := format.check(); err != nil {
				return err
			}
			info, err := getClusterInfo(cmd.Context(), connection)
			if err != nil {
				return fmt.Errorf("get cluster info: %w", err)
			}
			return format.print(streams.Out, info, info.print)
		},
	}
	format.addTo(c)
	addConnection(c, connection)
	c.AddCommand(newDump(streams, connection))
	return c
}

// getClusterInfo asks the API for the services of the cluster.
func getClusterInfo(ctx context.Context, connection *genericclioptions.ConfigFlags) (clusterInfo, error) {
	config, err := restConfig(connection)
	if err != nil {
		return clusterInfo{}, err
	}
	namespace := *connection.Namespace
	if namespace == "" {
		namespace = metav1.NamespaceSystem
	}
	return clusterInfoFrom(ctx, config, namespace)
}

// clusterInfoFrom is getClusterInfo for a namespace and a configuration.
func clusterInfoFrom(ctx context.Context, config *rest.Config, namespace string) (clusterInfo, error) {
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return clusterInfo{}, err
	}
	list, err := client.CoreV1().Services(namespace).List(ctx, metav1.ListOptions{LabelSelector: clusterServiceLabel + "=true"})
	if err != nil {
		return clusterInfo{}, err
	}
	info := clusterInfo{ControlPlane: config.Host, Services: []clusterService{}}
	for i := range list.Items {
		s := &list.Items[i]
		name := s.Labels[nameLabel]
		if name == "" {
			name = s.Name
		}
		info.Services = append(info.Services, clusterService{name, s.Namespace, serviceURLs(config.Host, s)})
	}
	return info, nil
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
		port, scheme := s.Spec.Ports[0], ""
		if port.Name == "https" || port.Port == 443 {
			scheme = "https"
		}
		segment = utilnet.JoinSchemeNamePort(scheme, s.Name, port.Name)
	}
	return []string{strings.TrimSuffix(api, "/") + "/api/v1/namespaces/" + s.Namespace + "/services/" + segment + "/proxy"}
}

// print writes the lines that users of kubectl know.
func (i clusterInfo) print(w io.Writer) error {
	i.printLines(w)
	_, err := fmt.Fprint(w, "\nTo further debug and diagnose cluster problems, use 'causeway cluster-info dump'.\n")
	return err
}

func (i clusterInfo) printLines(w io.Writer) {
	fmt.Fprintf(w, "Kubernetes control plane is running at %s\n", i.ControlPlane)
	for _, s := range i.Services {
		fmt.Fprintf(w, "%s is running at %s\n", s.Name, strings.Join(s.URLs, " "))
	}
}
