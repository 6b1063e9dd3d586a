package cli

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/client-go/kubernetes"

	"github.com/causeway-access/causeway/internal/kubeconfig"
)

func newCompletion(streams genericiooptions.IOStreams) *cobra.Command {
	return &cobra.Command{
		Use:   "completion SHELL",
		Short: "Print the completion script for a shell",
		Long: `Print a script that makes the shell complete commands, flags, contexts, namespaces
and, after "causeway kubectl", the resources of the cluster. SHELL is bash, zsh, fish or
powershell.`,
		Example: `  source <(causeway completion bash)                                   # this shell
  causeway completion bash > /etc/bash_completion.d/causeway           # every bash
  causeway completion zsh > "${fpath[1]}/_causeway"                    # every zsh
  causeway completion fish > ~/.config/fish/completions/causeway.fish  # every fish
  causeway completion powershell | Out-String | Invoke-Expression`,
		Args:      oneArgument("the shell"),
		ValidArgs: []string{"bash", "zsh", "fish", "powershell"},
		RunE: func(cmd *cobra.Command, args []string) error {
			root := cmd.Root()
			switch args[0] {
			case "bash":
				return root.GenBashCompletionV2(streams.Out, true)
			case "zsh":
				return root.GenZshCompletion(streams.Out)
			case "fish":
				return root.GenFishCompletion(streams.Out, true)
			case "powershell":
				return root.GenPowerShellCompletionWithDesc(streams.Out)
			}
			return usagef("no completion for %q: want bash, zsh, fish or powershell", args[0])
		},
	}
}

// contexts completes the names of the contexts in the user's kubeconfig files.
func contexts(explicit string) ([]string, cobra.ShellCompDirective) {
	config, err := kubeconfig.Load(explicit)
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	return slices.Sorted(maps.Keys(config.Contexts)), cobra.ShellCompDirectiveNoFileComp
}

// completePatience is how long somebody who has pressed the tabulator waits.
const completePatience = 3 * time.Second

// namespaces completes the names of the cluster's namespaces, also at the end
// of a list with commas.
func namespaces(connection *genericclioptions.ConfigFlags) cobra.CompletionFunc {
	return func(cmd *cobra.Command, _ []string, begun string) ([]string, cobra.ShellCompDirective) {
		config, err := restConfig(connection)
		if err != nil {
			return nil, cobra.ShellCompDirectiveError
		}
		if config.Timeout == 0 { // no --request-timeout
			config.Timeout = completePatience
		}
		client, err := kubernetes.NewForConfig(config)
		if err != nil {
			return nil, cobra.ShellCompDirectiveError
		}
		ctx := cmd.Context()
		if ctx == nil {
			ctx = context.Background()
		}
		list, err := client.CoreV1().Namespaces().List(ctx, metav1.ListOptions{})
		if err != nil {
			return nil, cobra.ShellCompDirectiveError
		}
		before := begun[:strings.LastIndex(begun, ",")+1]
		var names []string
		for _, n := range list.Items {
			names = append(names, before+n.Name)
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	}
}
