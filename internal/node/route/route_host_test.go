//go:build host && linux

package route

import (
	"net/netip"
	"os/exec"
	"strings"
	"testing"

	"github.com/causeway-access/causeway/test/inside"
)

// shown is what the kernel has of our routes.
func shown(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("ip", "-o", "route", "show").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var ours []string
	for line := range strings.Lines(string(out)) {
		if strings.HasPrefix(line, "10.") {
			words := strings.Fields(line)
			ours = append(ours, strings.Join(words[:min(3, len(words))], " "))
		}
	}
	return strings.Join(ours, ", ")
}

// TestTheKernelHasTheRoutesThatAreWanted plays nodes that come, move and go.
func TestTheKernelHasTheRoutesThatAreWanted(t *testing.T) {
	if !inside.Namespaces(t) {
		return
	}
	// Somebody else's, which are to stay.
	for _, line := range []string{"10.244.9.0/24 via 192.0.2.9", "10.99.0.0/24 via 192.0.2.9 proto 204"} {
		if out, err := exec.Command("ip", append([]string{"route", "add"}, strings.Fields(line)...)...).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	const others = "10.99.0.0/24 via 192.0.2.9, "
	within := netip.MustParsePrefix("10.244.0.0/16")
	to := func(prefix, by string) way {
		return way{to: netip.MustParsePrefix(prefix), by: netip.MustParseAddr(by), node: "n" + by}
	}
	for _, step := range []struct {
		name   string
		wanted []way
		want   string
		failed string
	}{
		{"two come", []way{to("10.244.1.0/24", "192.0.2.2"), to("10.244.2.0/24", "192.0.2.3")}, "10.244.1.0/24 via 192.0.2.2, 10.244.2.0/24 via 192.0.2.3, ", ""},
		{"one moves, one goes", []way{to("10.244.1.0/24", "192.0.2.4")}, "10.244.1.0/24 via 192.0.2.4, ", ""},
		{"one is no neighbour", []way{to("10.244.1.0/24", "192.0.2.4"), to("10.244.3.0/24", "198.51.100.1")}, "10.244.1.0/24 via 192.0.2.4, ", "no route to the pods of node n198.51.100.1"},
		{"all go", nil, "", ""},
	} {
		failed := strings.Join(apply(within, step.wanted), "; ")
		if got, want := shown(t), others+step.want+"10.244.9.0/24 via 192.0.2.9"; got != want {
			t.Errorf("%s: %s, want %s", step.name, got, want)
		}
		if (failed == "") != (step.failed == "") || !strings.Contains(failed, step.failed) {
			t.Errorf("%s: %q, want %q", step.name, failed, step.failed)
		}
	}
}
