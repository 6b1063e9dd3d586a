package cli

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/cli-runtime/pkg/genericiooptions"
)

func TestEveryCommandHasAManualPageWithItsFlags(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "man1")
	if status, stdout, stderr := try("man", dir); status != 0 || !strings.Contains(stdout, "manual pages are in "+dir) {
		t.Fatalf("status %d\n%s%s", status, stdout, stderr)
	}
	count := 0
	var check func(c *cobra.Command)
	check = func(c *cobra.Command) {
		count++
		text, err := os.ReadFile(filepath.Join(dir, pageName(c)+".1"))
		if err != nil {
			t.Error(err)
			return
		}
		checkRequests(t, c.CommandPath(), string(text))
		c.LocalFlags().VisitAll(func(f *pflag.Flag) {
			if !f.Hidden && f.Deprecated == "" && !strings.Contains(string(text), escape("--"+f.Name)) {
				t.Errorf("the page of %s does not mention --%s", c.CommandPath(), f.Name)
			}
		})
		for _, sub := range documented(c) {
			check(sub)
		}
	}
	check(newRoot(genericiooptions.IOStreams{}))
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != count {
		t.Errorf("%d pages for %d commands (%v)", len(files), count, err)
	}
}

// checkRequests finds lines that a formatter would take for a request of its
// own and swallow.
func checkRequests(t *testing.T, name, text string) {
	t.Helper()
	ours := regexp.MustCompile(`^(\.(TH|SH|B|BR) \S.*|\.(TP|PP|nf|fi))$`)
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if (strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'")) && !ours.MatchString(line) {
			t.Errorf("%s: a line that is no text: %q", name, line)
		}
	}
}

func TestRegularExpressionsSurviveInManualPages(t *testing.T) {
	proxy, _, err := newRoot(genericiooptions.IOStreams{}).Find([]string{"proxy"})
	if err != nil {
		t.Fatal(err)
	}
	const want = `(default \(ha/api/.*/pods/.*/exec,\(ha/api/.*/pods/.*/attach)`
	if got := string(manPage(proxy)); !strings.Contains(got, want) {
		t.Errorf("the page lacks %s:\n%s", want, got)
	}
}

func FuzzManText(f *testing.F) {
	f.Add(".SH evil\n'quote\n\n  .indented\\n\n\n\n`~^-")
	f.Fuzz(func(t *testing.T, text string) {
		var p page
		p.text(text)
		checkRequests(t, "text", p.String())
		if lines := "\n" + p.String(); strings.Count(lines, "\n.nf\n") != strings.Count(lines, "\n.fi\n") {
			t.Errorf("unbalanced: %q", p.String())
		}
	})
}
