package cli

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"
	apiversion "k8s.io/apimachinery/pkg/version"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/causeway-access/causeway/internal/version"
)

// versions is what `causeway version` prints.
type versions struct {
	Causeway   version.Info    `json:"causeway"`
	Kubernetes apiversion.Info `json:"kubernetes"`
}

func newVersion(streams genericiooptions.IOStreams) *cobra.Command {
	var format output
	c := &cobra.Command{
		Use:   "version",
		Short: "Print the version of this program",
		Long: `Print the version of this program and of the Kubernetes API it speaks. To ask a
server for its version, use "causeway kubectl version".`,
		Example: `  causeway version
  causeway version -o json`,
		Args: noArguments,
		RunE: func(*cobra.Command, []string) error {
			if err := format.check(); err != nil {
				return err
			}
			v := versions{version.Causeway(), version.Kubernetes()}
			return format.print(streams.Out, v, func(w io.Writer) error {
				fmt.Fprintf(w, "Causeway:   %s\n", v.Causeway.Version)
				if v.Causeway.Commit != "" {
					fmt.Fprintf(w, "Commit:     %s (%s)\n", v.Causeway.Commit, v.Causeway.Date)
				}
				_, err := fmt.Fprintf(w, "Kubernetes: %s\nBuilt with: %s for %s\n", v.Kubernetes.GitVersion, v.Causeway.Go, v.Causeway.Platform)
				return err
			})
		},
	}
	format.addTo(c)
	return c
}
