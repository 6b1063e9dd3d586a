package conformance

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
)

// row is a command that a person types, and what he sees.
type row struct {
	// does names the behaviour.
	does string
	// line is for the shell. NS, DIR, URL, CA and TOKEN are set: namespace,
	// directory for files, address and authority of the API, a token.
	line string
	// in is the command's input; $NS in it is the namespace.
	in string
	// out and err are regular expressions that standard output and error must
	// match: ^ and $ are the ends of lines, the dot is any character.
	out, err string
	// not is a regular expression that standard output must not match.
	not string
	// code is the exit status.
	code int
	// since and until are the lowest and the highest minor version of kubectl
	// that have what the row shows; 0 is no bound.
	since, until int
}

// story is rows in the order of time, in one namespace.
type story struct {
	name string
	rows []row
}

// tell runs the rows; what follows a failed row is tried all the same, so that
// one run shows all that is wrong.
func (s story) tell(t *testing.T, k kubectl, d *desk) {
	for _, r := range s.rows {
		if k.minor < r.since || (r.until > 0 && k.minor > r.until) {
			t.Logf("%s: kubectl %s does not have this", r.does, k.name)
			continue
		}
		t.Run(strings.ReplaceAll(r.does, " ", "_"), func(t *testing.T) {
			got := d.sh(t, r.line, r.in)
			for _, fault := range r.faults(got, d) {
				t.Error(fault)
			}
			if t.Failed() {
				t.Logf("command: %s\nexit status: %d\nstdout:\n%s\nstderr:\n%s", r.line, got.code, got.out, got.err)
			}
		})
	}
}

// faults says in what a result is not what the row wants.
func (r row) faults(got result, d *desk) (faults []string) {
	if got.code != r.code {
		faults = append(faults, "the exit status is not the wanted one")
	}
	for _, part := range []struct{ name, want, got string }{{"stdout", r.out, got.out}, {"stderr", r.err, got.err}} {
		if want := d.expand(part.want); !matches(want, part.got) {
			faults = append(faults, part.name+" does not match "+want)
		}
	}
	if r.not != "" && matches(d.expand(r.not), got.out) {
		faults = append(faults, "stdout matches "+r.not)
	}
	return faults
}

func matches(pattern, text string) bool {
	return regexp.MustCompile("(?ms)" + pattern).MatchString(text)
}

// TestKubectl tells every story with every kubectl.
func TestKubectl(t *testing.T) {
	found, missing := findKubectls(t)
	t.Cleanup(func() { t.Log(summary(found, missing)) })
	for _, k := range found {
		t.Run(k.name, func(t *testing.T) {
			bin, home := k.bin(t), t.TempDir()
			for _, s := range stories() {
				t.Run(s.name, func(t *testing.T) {
					t.Parallel()
					s.tell(t, k, newDesk(t, bin, home))
				})
			}
		})
	}
}

// summary says which versions were told the stories, and loudly which not.
func summary(found []kubectl, missing []int) string {
	var text strings.Builder
	text.WriteString("kubectl tested:")
	for _, k := range found {
		text.WriteString(" " + k.name)
	}
	for _, minor := range missing {
		fmt.Fprintf(&text, "\nNOT TESTED: kubectl 1.%d is not on this machine", minor)
	}
	return text.String()
}

// stories is the matrix: every verb of kubectl that this cluster has a use for.
func stories() []story {
	return []story{
		{"discovery", discoveryRows},
		{"config", configRows},
		{"explain", explainRows},
		{"create", createRows},
		{"apply", applyRows},
		{"server_side_apply", serverSideApplyRows},
		{"get", getRows},
		{"watch", watchRows},
		{"describe", describeRows},
		{"change", changeRows},
		{"dry_run", dryRunRows},
		{"run_and_expose", runRows},
		{"scale", scaleRows},
		{"wait_and_events", waitRows},
		{"auth", authRows},
		{"certificate", certificateRows},
		{"nodes", nodeRows},
		{"refused", refusedRows},
		{"delete", deleteRows},
		{"cascade", cascadeRows},
		{"proxy", proxyRows},
	}
}
