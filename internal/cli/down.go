package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/causeway-access/causeway/internal/cluster"
	"github.com/causeway-access/causeway/internal/lockfile"
	"github.com/causeway-access/causeway/internal/node"
	"github.com/causeway-access/causeway/internal/node/apart"
)

// newDown ends what goes on when `up` has ended.
func newDown(streams genericiooptions.IOStreams) *cobra.Command {
	var dataDir, endpoint string
	var grace time.Duration
	var format output
	c := &cobra.Command{
		Use:   "down",
		Short: "End the pods that `up` or `node` has left running",
		Long: `End the pods that go on running on this machine after "causeway up" or "causeway
node" has ended, and remove their volumes and logs. What the cluster keeps stays:
the next start with the same directory runs them again. To be rid of all, delete
the directory after this; of a machine that was a node of a cluster elsewhere,
delete the Node there, too.`,
		Example: `  causeway down
  causeway down --data-dir ~/try --grace-period 1s`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := format.check(); err != nil {
				return err
			}
			lock, err := lockfile.Acquire(dataDir)
			if errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("end the pods: there is no cluster in %s: name its directory with --data-dir", dataDir)
			}
			if err != nil {
				return fmt.Errorf("end the pods: %w", err)
			}
			ended, err := endPods(cmd.Context(), filepath.Join(dataDir, cluster.NodeDir), endpoint, grace)
			printed := format.print(streams.Out, ended, func(w io.Writer) error {
				for _, pod := range ended {
					fmt.Fprintf(w, "pod %s/%s ended\n", pod.Namespace, pod.Name)
				}
				if len(ended) == 0 {
					fmt.Fprintln(w, "No pods are running.")
				}
				return nil
			})
			return errors.Join(err, printed, lock.Release())
		},
	}
	f := c.Flags()
	f.StringVar(&dataDir, "data-dir", cluster.DefaultDataDir(), "directory of the cluster or node")
	f.StringVar(&endpoint, "container-runtime-endpoint", "", "the one that was given to up or node")
	f.DurationVar(&grace, "grace-period", 10*time.Second, "how long containers have to end by themselves")
	format.addTo(c)
	return c
}

// endPods ends the pods of a node, where its agent has run.
func endPods(ctx context.Context, dir, endpoint string, grace time.Duration) ([]node.Ended, error) {
	if apart.Needed(endpoint) {
		return apart.EndPods(ctx, dir, grace, slog.Default())
	}
	return node.EndPods(ctx, dir, endpoint, grace)
}
