package cli

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/causeway-access/causeway/internal/version"
)

// newMan writes manual pages. cobra's own generator goes by way of Markdown,
// which takes the asterisks of regular expressions for emphasis.
func newMan(streams genericiooptions.IOStreams) *cobra.Command {
	return &cobra.Command{
		Use:   "man DIRECTORY",
		Short: "Write the manual pages",
		Long: `Write a manual page for each command into DIRECTORY, which is made if it is
missing. They say what --help says.`,
		Example: `  causeway man /usr/local/share/man/man1
  causeway man . && man ./causeway-up.1`,
		Args: oneArgument("the directory"),
		RunE: func(cmd *cobra.Command, args []string) error {
			count, err := writePages(cmd.Root(), args[0])
			if err != nil {
				return fmt.Errorf("write the manual pages: %w", err)
			}
			fmt.Fprintf(streams.Out, "%d manual pages are in %s.\n", count, args[0])
			return nil
		},
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return nil, cobra.ShellCompDirectiveFilterDirs
		},
	}
}

// writePages writes the pages of a command and of those below it.
func writePages(c *cobra.Command, dir string) (count int, err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return 0, err
	}
	if err := os.WriteFile(filepath.Join(dir, pageName(c)+".1"), manPage(c), 0o644); err != nil {
		return 0, err
	}
	count = 1
	for _, sub := range documented(c) {
		n, err := writePages(sub, dir)
		if err != nil {
			return 0, err
		}
		count += n
	}
	return count, nil
}

// documented are the commands below c that have a page.
func documented(c *cobra.Command) []*cobra.Command {
	var all []*cobra.Command
	for _, sub := range c.Commands() {
		if sub.IsAvailableCommand() && sub.Name() != "help" {
			all = append(all, sub)
		}
	}
	return all
}

func pageName(c *cobra.Command) string { return strings.ReplaceAll(c.CommandPath(), " ", "-") }

// manPage is the page of one command, for man(7).
func manPage(c *cobra.Command) []byte {
	var p page
	p.line(".TH %s 1 \"\" \"Causeway %s\" \"Causeway\"", escape(strings.ToUpper(pageName(c))), escape(version.Causeway().Version))
	p.section("NAME")
	p.line("%s \\- %s", escape(pageName(c)), escape(c.Short))
	p.section("SYNOPSIS")
	p.line(".B %s", escape(c.UseLine()))
	p.section("DESCRIPTION")
	p.text(c.Long)
	if below := documented(c); len(below) > 0 {
		p.section("COMMANDS")
		for _, sub := range below {
			p.line(".TP\n.B %s", escape(sub.Name()))
			p.text(sub.Short)
		}
	}
	p.flags("OPTIONS", c.NonInheritedFlags())
	p.flags("OPTIONS OF THE COMMANDS ABOVE", c.InheritedFlags())
	if c.Example != "" {
		p.section("EXAMPLES")
		p.verbatim(c.Example)
	}
	p.section("EXIT STATUS")
	p.text("0 if it is done, 1 if it failed, 2 if the command line cannot be understood.")
	p.seeAlso(c)
	return p.Bytes()
}

// page is a manual page while it is written.
type page struct{ bytes.Buffer }

// line writes a line whose parts are escaped already.
func (p *page) line(format string, args ...any) { fmt.Fprintf(p, format+"\n", args...) }

func (p *page) section(name string) { p.line(".SH %s", name) }

// text writes paragraphs; those that are indented stay as they are.
func (p *page) text(text string) {
	for i, paragraph := range strings.Split(strings.TrimSpace(text), "\n\n") {
		if i > 0 {
			p.line(".PP")
		}
		if strings.HasPrefix(paragraph, " ") {
			p.verbatim(paragraph)
			continue
		}
		for line := range strings.SplitSeq(paragraph, "\n") {
			p.line("%s", escape(strings.TrimSpace(line)))
		}
	}
}

// verbatim writes lines that must not be filled.
func (p *page) verbatim(text string) {
	p.line(".nf")
	for line := range strings.SplitSeq(strings.Trim(text, "\n"), "\n") {
		p.line("%s", escape(line))
	}
	p.line(".fi")
}

func (p *page) flags(title string, flags *pflag.FlagSet) {
	if !flags.HasAvailableFlags() {
		return
	}
	p.section(title)
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden || f.Deprecated != "" {
			return
		}
		kind, usage := pflag.UnquoteUsage(f)
		name := "--" + f.Name
		if f.Shorthand != "" && f.ShorthandDeprecated == "" {
			name = "-" + f.Shorthand + ", " + name
		}
		p.line(".TP\n\\fB%s\\fR \\fI%s\\fR", escape(name), escape(kind))
		p.text(usage)
		if f.DefValue != "" && f.DefValue != "false" && f.DefValue != "[]" && !strings.Contains(usage, "(default") {
			p.line("(default %s)", escape(f.DefValue))
		}
	})
}

func (p *page) seeAlso(c *cobra.Command) {
	var names []string
	if c.HasParent() {
		names = append(names, pageName(c.Parent()))
	}
	for _, sub := range documented(c) {
		names = append(names, pageName(sub))
	}
	if len(names) == 0 {
		return
	}
	p.section("SEE ALSO")
	for i, name := range names {
		end := ","
		if i == len(names)-1 {
			end = ""
		}
		p.line(".BR %s (1)%s", escape(name), end)
	}
}

// escape makes text of any kind stand for itself: backslashes, hyphens that
// people copy, and lines that look like a request to the formatter.
func escape(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`, "`", `\(ga`, "^", `\(ha`, "~", `\(ti`).Replace(text)
	if strings.HasPrefix(text, ".") || strings.HasPrefix(text, "'") {
		text = `\&` + text
	}
	return text
}
