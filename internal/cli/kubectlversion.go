package cli

import (
	"fmt"
	"io"
	"strconv"

	"github.com/spf13/cobra"
	apiversion "k8s.io/apimachinery/pkg/version"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/client-go/tools/clientcmd"
	kubectlversion "k8s.io/kubectl/pkg/cmd/version"

	"github.com/causeway-access/causeway/internal/version"
)

// newKubectlVersion is `kubectl version`. kubectl's own command knows its
// version from linker flags alone, and without them it prints a number that no
// program can parse; this one knows it in every build.
func newKubectlVersion(flags *genericclioptions.ConfigFlags, streams genericiooptions.IOStreams) *cobra.Command {
	var format output
	var clientOnly bool
	c := &cobra.Command{
		Use:     "version",
		Short:   "Print the client and server version information",
		Long:    "Print the client and server version information for the current context.",
		Example: "  # Print the client and server versions for the current context\n  kubectl version",
		Args:    noArguments,
		RunE: func(*cobra.Command, []string) error {
			if err := format.check(); err != nil {
				return err
			}
			return printKubectlVersion(flags, streams, clientOnly, format)
		},
	}
	c.Flags().BoolVar(&clientOnly, "client", false, "If true, shows client version only (no server required).")
	format.addTo(c)
	return c
}

// printKubectlVersion prints what is known even if the server does not answer,
// and then says that it did not.
func printKubectlVersion(flags *genericclioptions.ConfigFlags, streams genericiooptions.IOStreams, clientOnly bool, format output) error {
	client := version.Kubernetes()
	found := kubectlversion.Version{ClientVersion: &client}
	found.KustomizeVersion, _ = kubectlversion.GetKustomizeModVersion()
	var serverErr error
	if !clientOnly {
		found.ServerVersion, serverErr = serverVersion(flags)
	}
	err := format.print(streams.Out, &found, func(w io.Writer) error {
		fmt.Fprintf(w, "Client Version: %s\n", client.GitVersion)
		if found.KustomizeVersion != "" {
			fmt.Fprintf(w, "Kustomize Version: %s\n", found.KustomizeVersion)
		}
		if found.ServerVersion != nil {
			fmt.Fprintf(w, "Server Version: %s\n", found.ServerVersion.GitVersion)
		}
		return nil
	})
	if err != nil {
		return err
	}
	warnSkew(streams.ErrOut, client, found.ServerVersion)
	return serverErr
}

// serverVersion asks the server; without any configuration there is none to ask.
func serverVersion(flags *genericclioptions.ConfigFlags) (*apiversion.Info, error) {
	discovery, err := flags.ToDiscoveryClient()
	if clientcmd.IsEmptyConfig(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	discovery.Invalidate() // a cached answer may be that of an older server
	return discovery.ServerVersion()
}

// warnSkew warns where kubectl does: kubectl supports servers one minor
// version away.
func warnSkew(w io.Writer, client apiversion.Info, server *apiversion.Info) {
	if server == nil {
		return
	}
	ours, err := strconv.Atoi(client.Minor)
	theirs, err2 := strconv.Atoi(server.Minor)
	if err != nil || err2 != nil || client.Major != server.Major {
		return
	}
	if ours-theirs > 1 || theirs-ours > 1 {
		fmt.Fprintf(w, "Warning: version difference between client (%s.%d) and server (%s.%d) exceeds the supported minor version skew of +/-1\n",
			client.Major, ours, server.Major, theirs)
	}
}
