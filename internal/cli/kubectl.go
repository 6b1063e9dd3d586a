package cli

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	basecli "k8s.io/component-base/cli"
	"k8s.io/component-base/logs"
	"k8s.io/kubectl/pkg/cmd"
	"k8s.io/kubectl/pkg/cmd/plugin"
	cmdutil "k8s.io/kubectl/pkg/cmd/util"
)

// newKubectl is the command that hands its whole command line to kubectl.
func newKubectl(streams genericiooptions.IOStreams) *cobra.Command {
	return &cobra.Command{
		Use:   "kubectl [command]",
		Short: "Run the kubectl that is inside",
		Long: `Run kubectl, the client of Kubernetes, as it is compiled into this program.
Every command, flag and plugin of kubectl works. A link named kubectl to this
program is kubectl as well.`,
		Example: `  causeway kubectl get services --all-namespaces
  causeway kubectl apply -f examples/echo.yaml
  ln -s "$(command -v causeway)" ~/bin/kubectl`,
		DisableFlagParsing: true,
		RunE: func(_ *cobra.Command, args []string) error {
			runKubectl(args, streams)
			return nil
		},
		ValidArgsFunction: completeKubectl,
	}
}

// runKubectl is kubectl's main. It ends the process itself if a command fails,
// as kubectl's commands do.
func runKubectl(args []string, streams genericiooptions.IOStreams) int {
	// The flag -v is parsed by the command too; kubectl logs before that.
	_, _ = logs.GlogSetter(cmd.GetLogVerbosity(args))
	if err := basecli.RunNoErrOutput(kubectlCommand(args, streams)); err != nil {
		cmdutil.CheckErr(err)
	}
	return 0
}

// kubectlCommand builds kubectl for a command line.
func kubectlCommand(args []string, streams genericiooptions.IOStreams) *cobra.Command {
	flags := genericclioptions.NewConfigFlags(true).
		WithDeprecatedPasswordFlag().
		WithDiscoveryBurst(300).
		WithDiscoveryQPS(50).
		WithWarningPrinter(streams).
		WithWrapConfigFn(withUserAgent("kubectl"))
	root := cmd.NewDefaultKubectlCommandWithArgs(cmd.KubectlOptions{
		PluginHandler: cmd.NewDefaultPluginHandler(plugin.ValidPluginFilenamePrefixes),
		Arguments:     append([]string{"kubectl"}, args...),
		ConfigFlags:   flags,
		IOStreams:     streams,
	})
	root.SetArgs(args)
	root.SetIn(streams.In)
	root.SetOut(streams.Out)
	root.SetErr(streams.ErrOut)
	replaceCommand(root, newKubectlVersion(flags, streams))
	return root
}

// replaceCommand puts a command in the place of the one that has its name.
func replaceCommand(root, with *cobra.Command) {
	for _, c := range root.Commands() {
		if c.Name() == with.Name() {
			root.RemoveCommand(c)
		}
	}
	root.AddCommand(with)
}

// completeKubectl asks kubectl's own completion, which knows the resources of
// the cluster.
func completeKubectl(_ *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
	var out bytes.Buffer
	words := append([]string{cobra.ShellCompRequestCmd}, append(args, begun)...)
	root := kubectlCommand(words, genericiooptions.IOStreams{In: strings.NewReader(""), Out: &out, ErrOut: &bytes.Buffer{}})
	if err := root.Execute(); err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	return parseCompletion(out.String())
}

// parseCompletion reads what cobra's completion command prints: a line for
// each suggestion, then a colon and the directive.
func parseCompletion(text string) ([]string, cobra.ShellCompDirective) {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	last := lines[len(lines)-1]
	directive, err := strconv.Atoi(strings.TrimPrefix(last, ":"))
	if err != nil || !strings.HasPrefix(last, ":") {
		return nil, cobra.ShellCompDirectiveError
	}
	return lines[:len(lines)-1], cobra.ShellCompDirective(directive)
}
