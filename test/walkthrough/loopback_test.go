//go:build host

package walkthrough

import (
	"net/url"
	"regexp"
	"testing"

	"github.com/causeway-access/causeway/test/inside"
)

// complaint is what the libraries write when a connection ends that they relay.
var complaint = regexp.MustCompile(`Error proxying|error executing command|error attaching`)

// TestANodeOnLoopbackAloneIsReached has a cluster that nobody else can reach.
func TestANodeOnLoopbackAloneIsReached(t *testing.T) {
	if !inside.Namespaces(t) {
		return
	}
	h := newHome(t)
	cmd := h.command("causeway", "up", "--node", "--node-name", "worker", "--data-dir", h.data(),
		"--listen", "127.0.0.1:0", "--node-listen", "127.0.0.1:0", "--output", "json")
	t.Cleanup(func() { h.down(t) })
	up := start(t, cmd)
	u, err := url.Parse(up.URL)
	if err != nil {
		t.Fatal(err)
	}
	runScripts(t, "testdata/loopback", map[string]string{"PORT": u.Port(), "KUBECONFIG": up.AdminKubeconfig})
	if found := complaint.FindString(up.output.String()); found != "" {
		t.Errorf("up writes %q because a client left:\n%s", found, up.output)
	}
}
