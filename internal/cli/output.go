package cli

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/spf13/cobra"
	"sigs.k8s.io/yaml"
)

// output is the flag -o of commands that print a value.
type output struct{ format string }

// addTo adds -o to a command.
func (o *output) addTo(cmd *cobra.Command) {
	cmd.Flags().StringVarP(&o.format, "output", "o", "", "print as json or yaml instead of text")
	// The flag was added a line above; registering fails for no other reason.
	_ = cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions([]string{"json", "yaml"}, cobra.ShellCompDirectiveNoFileComp))
}

// check refuses a format that does not exist, before any work is done.
func (o *output) check() error {
	switch o.format {
	case "", "json", "yaml":
		return nil
	}
	return usagef("-o %q is no output format: want json or yaml", o.format)
}

// print writes v in the chosen format, or calls text if none was chosen.
func (o *output) print(w io.Writer, v any, text func(io.Writer) error) error {
	switch o.format {
	case "json":
		data, err := json.MarshalIndent(v, "", "  ")
		if err != nil {
			return fmt.Errorf("print as JSON: %w", err)
		}
		_, err = fmt.Fprintf(w, "%s\n", data)
		return err
	case "yaml":
		data, err := yaml.Marshal(v)
		if err != nil {
			return fmt.Errorf("print as YAML: %w", err)
		}
		_, err = w.Write(data)
		return err
	}
	return text(w)
}
