// Package cli is what a person types: one file per command. Flags, environment
// and files that are named on the command line are read here and nowhere else;
// the packages below get plain values.
//
// Floor F4: it may import every package under internal; only main imports it.
package cli

import (
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/component-base/logs"

	"github.com/causeway-access/causeway/internal/node/apart"
)

// Main runs the command line args, whose first word is the name the program
// was called by, and returns the exit status: 0, 1 for a failure, 2 for a
// command line that cannot be understood. Called by the name kubectl the
// program is kubectl, with kubectl's own exit status.
func Main(args []string, streams genericiooptions.IOStreams) int {
	apart.Main(args) // if it is called as a node's agent, this is all
	name := strings.TrimSuffix(filepath.Base(args[0]), ".exe")
	if name == "kubectl" {
		return runKubectl(args[1:], streams)
	}
	defer logs.FlushLogs()
	root := newRoot(streams)
	root.SetArgs(args[1:])
	command, err := root.ExecuteC()
	return report(streams.ErrOut, command, err)
}

// newRoot lists the commands.
func newRoot(streams genericiooptions.IOStreams) *cobra.Command {
	root := &cobra.Command{
		Use:   "causeway",
		Short: "The way into a cluster",
		Long: `Causeway gives people and programs authenticated, authorised and audited access
to the nodes, pods and services of a cluster. It speaks the Kubernetes API, so
kubectl and every client library work with it unchanged.

Begin with "causeway up": it starts a whole cluster on this machine.`,
		Example: `  causeway up                      # a cluster; prints how to reach it
  causeway cluster-info            # what runs in it, and the URLs
  causeway kubectl get services    # kubectl is inside
  causeway up --help               # every command has a page like this`,
		Args:              noSuchCommand,
		RunE:              func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		SilenceErrors:     true,
		SilenceUsage:      true,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
	}
	root.SetIn(streams.In)
	root.SetOut(streams.Out)
	root.SetErr(streams.ErrOut)
	root.SetFlagErrorFunc(flagError)
	root.AddGroup(
		&cobra.Group{ID: "cluster", Title: "Run a cluster:"},
		&cobra.Group{ID: "access", Title: "Reach a cluster:"},
		&cobra.Group{ID: "tools", Title: "Tools:"},
	)
	root.SetHelpCommandGroupID("tools")
	add := func(group string, commands ...*cobra.Command) {
		for _, c := range commands {
			c.GroupID = group
			root.AddCommand(c)
		}
	}
	add("cluster", newUp(streams))
	add("cluster", newDown(streams))
	add("cluster", newNode(streams), newToken(streams))
	add("access", newClusterInfo(streams), newConfig(streams), newKubectl(streams), newLogin(streams), newLogout(streams), newForward(streams), newImage(streams), newProxy(streams))
	add("tools", newCompletion(streams), newEcho(streams), newMan(streams), newVersion(streams))
	return root
}
