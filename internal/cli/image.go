package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/causeway-access/causeway/internal/node/server"
)

// images are the images of one node, reached through the API.
type images struct {
	connection *genericclioptions.ConfigFlags
	node       string
	format     output
	streams    genericiooptions.IOStreams
}

// newImage shows and changes the images that nodes have.
func newImage(streams genericiooptions.IOStreams) *cobra.Command {
	i := &images{connection: newConnection(), streams: streams}
	c := &cobra.Command{
		Use:   "image",
		Short: "Bring images to a node, list them, remove them",
		Long: `Bring images to a node without a registry, list those that it has, and remove
them. It goes through the API server, so it works from anywhere, for those who
may proxy to the node (create, get and delete on nodes/proxy).

Images that pods name are pulled from registries by themselves.`,
		Example: `  docker save shop:1 -o shop.tar && causeway image import shop.tar
  causeway image ls
  causeway image rm shop:1 --node worker-1`,
	}
	addConnection(c, i.connection)
	c.PersistentFlags().StringVar(&i.node, "node", "", "the node (default: the only one)")
	c.AddCommand(i.newList(), i.newImport(), i.newRemove())
	return c
}

func (i *images) newList() *cobra.Command {
	c := &cobra.Command{
		Use: "ls", Short: "List a node's images", Args: noArguments,
		Long: `List the images that a node has, by their whole names as pods may use them, with
their IDs and the size of their files. The image host, the node itself, is not
among them.`,
		Example: `  causeway image ls -o json`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := i.format.check(); err != nil {
				return err
			}
			return i.list(cmd.Context())
		},
	}
	i.format.addTo(c)
	return c
}

func (i *images) newImport() *cobra.Command {
	return &cobra.Command{
		Use: "import FILE", Short: "Take the images of an archive",
		Long: `Send an archive to a node and have it take the images in it: what docker save
writes, or an OCI layout in a tar file, compressed or not. The names of the images
are printed, as pods may use them; imagePullPolicy must not be Always then.`,
		Example: `  causeway image import shop.tar`, Args: oneArgument("the archive"),
		RunE: func(cmd *cobra.Command, args []string) error { return i.bring(cmd.Context(), args[0]) },
	}
}

func (i *images) newRemove() *cobra.Command {
	return &cobra.Command{
		Use: "rm NAME", Short: "Remove an image by its name or ID",
		Long: `Remove an image from a node: one of its names, and with the last of them its
files; all of it, if it is named by its ID. An image that a container has, also
one that has ended, stays.`,
		Example: `  causeway image rm shop:1`, Args: oneArgument("the image"), ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error { return i.remove(cmd.Context(), args[0]) },
	}
}

// request begins a request to the images of the node.
func (i *images) request(ctx context.Context, verb string) (*rest.Request, error) {
	config, err := restConfig(i.connection)
	if err != nil {
		return nil, err
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	if i.node == "" {
		nodes, err := client.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
		if err != nil {
			return nil, fmt.Errorf("find the node: %w", err)
		}
		if len(nodes.Items) != 1 {
			return nil, fmt.Errorf("there are %d nodes: say which one with --node", len(nodes.Items))
		}
		i.node = nodes.Items[0].Name
	}
	return client.CoreV1().RESTClient().Verb(verb).Resource("nodes").Name(i.node).SubResource("proxy").Suffix("images"), nil
}

func (i *images) list(ctx context.Context) error {
	r, err := i.request(ctx, "GET")
	if err != nil {
		return err
	}
	var list []server.Image
	if list, err = answered(ctx, r); err != nil {
		return fmt.Errorf("list the images of node %s: %w", i.node, err)
	}
	return i.format.print(i.streams.Out, list, func(w io.Writer) error {
		table := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
		fmt.Fprintln(table, "NAME\tID\tSIZE")
		for _, one := range list {
			for _, name := range append(one.Names, "<none>")[:max(1, len(one.Names))] {
				fmt.Fprintf(table, "%s\t%.19s\t%s\n", name, one.ID, size(one.Size))
			}
		}
		return table.Flush()
	})
}

func (i *images) bring(ctx context.Context, path string) error {
	archive, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("import images: %w", err)
	}
	defer archive.Close()
	info, err := archive.Stat()
	if err != nil {
		return fmt.Errorf("import images: %w", err)
	}
	r, err := i.request(ctx, "POST")
	if err != nil {
		return err
	}
	fmt.Fprintf(i.streams.ErrOut, "Sending %s to node %s\n", size(info.Size()), i.node)
	list, err := answered(ctx, r.Body(archive).SetHeader("Content-Type", "application/x-tar"))
	if err != nil {
		return fmt.Errorf("import the images of %s to node %s: %w", path, i.node, err)
	}
	for _, one := range list {
		for _, name := range one.Names {
			fmt.Fprintln(i.streams.Out, name)
		}
	}
	return nil
}

func (i *images) remove(ctx context.Context, name string) error {
	r, err := i.request(ctx, "DELETE")
	if err != nil {
		return err
	}
	if err := said(r.Param("name", name).Do(ctx).Error()); err != nil {
		return fmt.Errorf("remove image %s from node %s: %w", name, i.node, err)
	}
	fmt.Fprintf(i.streams.Out, "image %s removed from node %s\n", name, i.node)
	return nil
}

// answered reads a list of images.
func answered(ctx context.Context, r *rest.Request) ([]server.Image, error) {
	result := r.Do(ctx)
	if err := said(result.Error()); err != nil {
		return nil, err
	}
	text, err := result.Raw()
	if err != nil {
		return nil, err
	}
	list := []server.Image{}
	return list, json.Unmarshal(text, &list)
}

// said is the text that the node's API answered, for which the client has a
// general word alone. The API server's own errors are as they were.
func said(err error) error {
	var status *apierrors.StatusError
	if !errors.As(err, &status) || status.ErrStatus.Details == nil {
		return err
	}
	for _, cause := range status.ErrStatus.Details.Causes {
		if cause.Type == metav1.CauseTypeUnexpectedServerResponse && cause.Message != "" {
			return errors.New(strings.TrimSpace(cause.Message))
		}
	}
	return err
}

// size is a number of bytes for people.
func size(bytes int64) string {
	const mebi = 1 << 20
	if bytes >= mebi {
		bytes -= bytes % mebi
	}
	return resource.NewQuantity(bytes, resource.BinarySI).String()
}
