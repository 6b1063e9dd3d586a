package cli

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/kubectl/pkg/cmd/config"
	cmdutil "k8s.io/kubectl/pkg/cmd/util"
	"k8s.io/kubectl/pkg/util/completion"

	"github.com/causeway-access/causeway/internal/kubeconfig"
)

// newConfig is kubectl's config and what it lacks.
func newConfig(streams genericiooptions.IOStreams) *cobra.Command {
	connection := newConnection()
	connection.KubeConfig = nil // kubectl's config brings that flag itself
	c := config.NewCmdConfig(connection, clientcmd.NewDefaultPathOptions(), streams)
	addConnection(c, connection)
	// kubectl's completion of contexts, clusters and users looks here.
	completion.SetFactoryForCompletion(cmdutil.NewFactory(connection))
	c.Short = "Change kubeconfig files"
	c.Long = `Show and change kubeconfig files: everything "kubectl config" does, and
import-auth, which takes over the credentials of a kubernetes_auth file.`
	c.Example = `  causeway config get-contexts
  causeway config use-context causeway
  causeway config import-auth ~/.kube/kubernetes_auth --server https://203.0.113.7`
	c.Args = noSuchCommand
	c.Run = nil
	c.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	c.AddCommand(newImportAuth(streams))
	return c
}

// importAuth is `config import-auth`.
type importAuth struct {
	genericiooptions.IOStreams
	server, name string
}

func newImportAuth(streams genericiooptions.IOStreams) *cobra.Command {
	o := importAuth{IOStreams: streams}
	c := &cobra.Command{
		Use:   "import-auth FILE",
		Short: "Make a context from a kubernetes_auth file of 2014",
		Long: `Read a kubernetes_auth file, the JSON object of User, Password, CAFile, CertFile
and KeyFile by which clusters of 2014 handed over their keys, and add a context
for it to your kubeconfig. The certificate files are named, not copied.

Such a file names no server, so --server is needed, or the variable
KUBERNETES_MASTER that clients of that time read.`,
		Example: `  causeway config import-auth ~/.kube/kubernetes_auth --server https://203.0.113.7
  causeway config import-auth /var/lib/causeway/kubernetes_auth --server https://127.0.0.1:6443 --name by-password
  kubectl --context by-password get services`,
		Args: oneArgument("the file"),
		RunE: func(cmd *cobra.Command, args []string) error { return o.run(cmd, args[0]) },
	}
	c.Flags().StringVarP(&o.server, "server", "s", os.Getenv("KUBERNETES_MASTER"), "URL of the API that the credentials are for")
	c.Flags().StringVar(&o.name, "name", "", "name of the context, cluster and user (default: the name of the file's directory)")
	return c
}

func (o importAuth) run(cmd *cobra.Command, path string) error {
	if o.server == "" {
		return usagef("--server is missing: a kubernetes_auth file does not say where its cluster is")
	}
	auth, err := kubeconfig.ReadAuth(path)
	if err != nil {
		return fmt.Errorf("import credentials: %w", err)
	}
	name := o.name
	if name == "" {
		if name, err = nameFor(path); err != nil {
			return err
		}
	}
	// kubectl's parent command defines --kubeconfig.
	explicit, err := cmd.Flags().GetString(clientcmd.RecommendedConfigPathFlag)
	if err != nil {
		return fmt.Errorf("import credentials: %w", err)
	}
	merged, err := kubeconfig.Merge(cmd.Context(), explicit, kubeconfig.AuthEntry(name, o.server, auth))
	if err != nil {
		return fmt.Errorf("import credentials: %w", err)
	}
	fmt.Fprintf(o.Out, "Context %q in %s now reaches %s.\n", name, merged.Path, o.server)
	if !merged.Selected() {
		fmt.Fprintf(o.Out, "The current context is still %q. To switch: causeway config use-context %s\n", merged.Current, name)
	}
	return nil
}

// nameFor is the directory of the file: kube-up of 2014 put each cluster's
// file into a directory named after the cluster.
func nameFor(path string) (string, error) {
	full, err := filepath.Abs(path)
	if err != nil {
		return "", fmt.Errorf("import credentials: %w", err)
	}
	return filepath.Base(filepath.Dir(full)), nil
}
