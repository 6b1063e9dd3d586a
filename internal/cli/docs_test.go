package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/cli-runtime/pkg/genericiooptions"
)

// Each command has a page in docs/commands that mentions each of its flags.
// Pages of sub-commands are part of the page of the command.
func TestEveryFlagIsDocumented(t *testing.T) {
	for _, c := range newRoot(genericiooptions.IOStreams{}).Commands() {
		t.Run(c.Name(), func(t *testing.T) {
			page, err := os.ReadFile(filepath.Join("..", "..", "docs", "commands", c.Name()+".md"))
			if err != nil {
				t.Fatal(err)
			}
			checkDocumented(t, c, string(page))
		})
	}
}

func checkDocumented(t *testing.T, c *cobra.Command, page string) {
	t.Helper()
	if !strings.Contains(page, "# "+c.CommandPath()+"\n") {
		t.Errorf("the page has no heading for %q", c.CommandPath())
	}
	c.LocalNonPersistentFlags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden && f.Name != "help" && !strings.Contains(page, "`--"+f.Name+"`") {
			t.Errorf("the page does not mention --%s of %q", f.Name, c.CommandPath())
		}
	})
	for _, sub := range c.Commands() {
		if c.Name() == "config" && sub.Name() != "import-auth" {
			continue // kubectl's, described there
		}
		checkDocumented(t, sub, page)
	}
}
