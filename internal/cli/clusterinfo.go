package cli

import (
	"context"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// clusterInfo is what `causeway cluster-info -o json` prints.
type clusterInfo struct {
	// ControlPlane is the URL of the API.
	ControlPlane string `json:"controlPlane"`
	// Authority is by what the API's certificate was verified; nil if it was not.
	Authority *authority `json:"authority,omitempty"`
	// LocalProxy is the URL of a local proxy to this cluster, if one runs.
	LocalProxy string           `json:"localProxy,omitempty"`
	Services   []clusterService `json:"services"`
}

func newClusterInfo(streams genericiooptions.IOStreams) *cobra.Command {
	var format output
	var proxy string
	connection := newConnection()
	c := &cobra.Command{
		Use:   "cluster-info",
		Short: "Print the URLs of the API and of the cluster's services",
		Long: `Print where the API is, and the URL of each service that is labelled
kubernetes.io/cluster-service=true in kube-system, or in the namespace given
with -n. A service shows the name in its label kubernetes.io/name, if it has one.

Below, it says which of them have no endpoint that is ready; under which names of
their own a local proxy serves them, if "causeway proxy" runs for this cluster;
and the fingerprint of the API's authority, for people who log in elsewhere to
compare.`,
		Example: `  causeway cluster-info
  causeway cluster-info -n monitoring -o json
  causeway cluster-info --proxy http://127.0.0.1:8080
  causeway cluster-info dump --output-directory=/tmp/cluster-state`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := format.check(); err != nil {
				return err
			}
			info, err := getClusterInfo(cmd.Context(), connection)
			if err == nil {
				err = info.addLocalProxy(cmd.Context(), proxy, cmd.Flags().Changed("proxy"))
			}
			if err != nil {
				return fmt.Errorf("get cluster info: %w", err)
			}
			return format.print(streams.Out, info, info.print)
		},
	}
	format.addTo(c)
	c.Flags().StringVar(&proxy, "proxy", defaultProxyURL, "where to look for a local proxy; empty does not look")
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
	config = rest.CopyConfig(config)
	seen := noteAuthority(config)
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return clusterInfo{}, err
	}
	services, err := clusterServices(ctx, client, config.Host, namespace)
	if err != nil {
		return clusterInfo{}, err
	}
	return clusterInfo{ControlPlane: config.Host, Authority: seen(), Services: services}, nil
}

// print writes the lines that users of kubectl know, and what else is known.
func (i clusterInfo) print(w io.Writer) error {
	i.printLines(w)
	i.printUnready(w)
	i.printLocal(w)
	if a := i.Authority; a != nil {
		fmt.Fprintf(w, "\nIts authority is %s, SHA-256\n  %s\n", a.Name, a.SHA256)
	}
	_, err := fmt.Fprint(w, "\nTo further debug and diagnose cluster problems, use 'causeway cluster-info dump'.\n")
	return err
}

func (i clusterInfo) printLines(w io.Writer) {
	fmt.Fprintf(w, "Kubernetes control plane is running at %s\n", i.ControlPlane)
	for _, s := range i.Services {
		fmt.Fprintf(w, "%s is running at %s\n", s.Name, strings.Join(s.URLs, " "))
	}
}

// printUnready names the services that nobody stands behind.
func (i clusterInfo) printUnready(w io.Writer) {
	var names []string
	for _, s := range i.Services {
		if s.ReadyEndpoints != nil && *s.ReadyEndpoints == 0 {
			names = append(names, s.Name)
		}
	}
	if len(names) > 0 {
		fmt.Fprintf(w, "\nNo endpoint is ready for %s.\n", strings.Join(names, ", "))
	}
}

// printLocal writes the names that the local proxy serves.
func (i clusterInfo) printLocal(w io.Writer) {
	if i.LocalProxy == "" {
		return
	}
	fmt.Fprintf(w, "\nThe local proxy serves them, and a page of all services at %s/\n", i.LocalProxy)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, s := range i.Services {
		if s.LocalURL != "" {
			fmt.Fprintf(table, "  %s\t%s\n", s.Name, s.LocalURL)
		}
	}
	_ = table.Flush() // an error of writing shows when the last line is written
}
