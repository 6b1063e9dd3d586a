package cli

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd/api"

	"github.com/causeway-access/causeway/internal/kubeconfig"
	"github.com/causeway-access/causeway/internal/version"
)

// newConnection holds the flags by which kubectl users say which cluster and
// who they are, less those that matter to few; all of them are in a kubeconfig.
func newConnection() *genericclioptions.ConfigFlags {
	flags := genericclioptions.NewConfigFlags(true)
	flags.CacheDir = nil
	flags.DisableCompression = nil
	flags.ProxyURL = nil
	flags.ImpersonateUID = nil
	flags.ImpersonateUserExtra = nil
	return flags.WithWrapConfigFn(withUserAgent("causeway"))
}

// restConfig is how to reach the cluster that the flags and the kubeconfig name,
// or that whose pod this is. Without any, client-go would try an unprotected
// port of this machine, and report that nobody answers there; this says what is
// missing.
func restConfig(c *genericclioptions.ConfigFlags) (*rest.Config, error) {
	raw, err := c.ToRawKubeConfigLoader().RawConfig()
	if err != nil {
		explicit := ""
		if c.KubeConfig != nil { // config has kubectl's flag instead
			explicit = *c.KubeConfig
		}
		return nil, cmp.Or(kubeconfig.Check(explicit), err)
	}
	if _, outside := rest.InClusterConfig(); api.IsConfigEmpty(&raw) && *c.APIServer == "" && outside != nil {
		return nil, errors.New("no cluster is configured: start one with 'causeway up', or name a file with --kubeconfig or a URL with --server")
	}
	return c.ToRESTConfig()
}

// withUserAgent names the program and its version in each request, which the
// server writes into its audit log.
func withUserAgent(program string) func(*rest.Config) *rest.Config {
	return func(c *rest.Config) *rest.Config {
		v := version.Kubernetes()
		c.UserAgent = fmt.Sprintf("%s/%s (%s) kubernetes/%.7s", program, v.GitVersion, v.Platform, v.GitCommit)
		return c
	}
}

// addConnection adds the flags of c to a command and its sub-commands, and
// completes the names of contexts, clusters, users and namespaces.
func addConnection(cmd *cobra.Command, c *genericclioptions.ConfigFlags) {
	c.AddFlags(cmd.PersistentFlags())
	complete := func(flag string, names func(api.Config) []string) {
		// The flag was added above; registering fails for no other reason.
		_ = cmd.RegisterFlagCompletionFunc(flag, func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			config, err := c.ToRawKubeConfigLoader().RawConfig()
			if err != nil {
				return nil, cobra.ShellCompDirectiveError
			}
			return names(config), cobra.ShellCompDirectiveNoFileComp
		})
	}
	complete("context", func(c api.Config) []string { return slices.Sorted(maps.Keys(c.Contexts)) })
	complete("cluster", func(c api.Config) []string { return slices.Sorted(maps.Keys(c.Clusters)) })
	complete("user", func(c api.Config) []string { return slices.Sorted(maps.Keys(c.AuthInfos)) })
	_ = cmd.RegisterFlagCompletionFunc("namespace", namespaces(c))
}
