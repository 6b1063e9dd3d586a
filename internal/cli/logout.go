package cli

import (
	"fmt"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/causeway-access/causeway/internal/kubeconfig"
)

// newLogout takes back what login wrote.
func newLogout(streams genericiooptions.IOStreams) *cobra.Command {
	var file string
	c := &cobra.Command{
		Use:   "logout [CONTEXT]",
		Short: "Forget a context and its credentials",
		Long: `Take a context out of your kubeconfig, the current one unless another is named,
with its credentials and its cluster, if no other context needs them. What else
is in the file stays as it is written.

The server does not hear of it: a token or certificate that others may have seen
has to be revoked there.`,
		Example: `  causeway logout
  causeway logout work`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usagef("%s takes at most one argument, the context, but got %d", cmd.CommandPath(), len(args))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			removed, err := kubeconfig.Remove(cmd.Context(), file, first(args))
			if err != nil {
				return fmt.Errorf("log out: %w", err)
			}
			fmt.Fprintf(streams.Out, "%s no longer has the credentials for %s.\n", removed.Path, removed.Server)
			if removed.Current {
				fmt.Fprintln(streams.Out, "No context is current now. To choose one: causeway config use-context NAME")
			}
			return nil
		},
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return contexts(file)
		},
	}
	c.Flags().StringVar(&file, "kubeconfig", "", "file to change (default: by $KUBECONFIG, else ~/.kube/config)")
	return c
}

// first is the first of the words, or empty.
func first(words []string) string {
	if len(words) == 0 {
		return ""
	}
	return words[0]
}
