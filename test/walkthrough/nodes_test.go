//go:build host

package walkthrough

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	utilversion "k8s.io/apimachinery/pkg/util/version"

	"github.com/causeway-access/causeway/test/inside"
)

// node starts a cluster with a node, in namespaces of the test's own, and ends
// its pods with the test.
func (h home) node(t *testing.T) *running {
	t.Helper()
	cmd := h.command("causeway", "up", "--node", "--node-name", "worker", "--data-dir", h.data(), "--listen", ":0", "--node-listen", ":0", "--output", "json")
	t.Cleanup(func() { h.down(t) })
	return start(t, cmd)
}

// down ends what runs on after `up`.
func (h home) down(t *testing.T) {
	t.Helper()
	if out, err := h.command("causeway", "down", "--data-dir", h.data(), "--grace-period", "1s").CombinedOutput(); err != nil {
		t.Errorf("causeway down: %v\n%s", err, out)
	}
}

// TestPodsRun tells what a person does with pods, with the oldest kubectl that
// is there, the newest, and ours; then stories of what pods find inside.
func TestPodsRun(t *testing.T) {
	if !inside.Namespaces(t) {
		return
	}
	h := newHome(t)
	up := h.node(t)
	variables := map[string]string{"API": up.URL, "DATA": up.DataDir, "KUBECONFIG": up.AdminKubeconfig}
	variables["GOCACHE"] = goCache(t)
	runScripts(t, "testdata/nodes", variables)
	found := kubectls(t)
	versions := slices.SortedFunc(maps.Keys(found), compareVersions)
	if len(versions) > 2 {
		versions = []string{versions[0], versions[len(versions)-1]}
	}
	for _, version := range versions {
		t.Run("kubectl "+version, func(t *testing.T) {
			own := maps.Clone(variables)
			own["NS"] = "kubectl-" + strings.ReplaceAll(strings.TrimPrefix(version, "v"), ".", "-")
			own["PATH"] = found[version] + string(filepath.ListSeparator) + os.Getenv("PATH")
			runScripts(t, "testdata/pods", own)
		})
	}
}

// goCache is where Go keeps what it has compiled.
func goCache(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("go", "env", "GOCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

// compareVersions orders v1.9.0 before v1.10.0.
func compareVersions(a, b string) int {
	x, y := utilversion.MustParseGeneric(a), utilversion.MustParseGeneric(b)
	switch {
	case x.LessThan(y):
		return -1
	case y.LessThan(x):
		return 1
	}
	return 0
}

// TestPodsSurviveTheirAgent has `up` killed, and pods go on: the next one knows
// them again, as they are.
func TestPodsSurviveTheirAgent(t *testing.T) {
	if !inside.Namespaces(t) {
		return
	}
	h := newHome(t)
	up := h.node(t)
	kubectl := func(args ...string) string {
		t.Helper()
		out, err := h.command("kubectl", append([]string{"--kubeconfig", up.AdminKubeconfig}, args...)...).Output()
		if err != nil {
			t.Fatalf("kubectl %v: %v\n%s", args, err, err.(*exec.ExitError).Stderr)
		}
		return string(out)
	}
	kubectl("run", "lasting", "--image=host", "--", "sh", "-c", "echo begun; exec sleep 1000")
	kubectl("wait", "pod/lasting", "--for=condition=Ready", "--timeout=60s")
	const what = `jsonpath={.status.podIP} {.status.containerStatuses[0].containerID} {.status.containerStatuses[0].restartCount}`
	before := kubectl("get", "pod", "lasting", "-o", what)
	if err := up.kill(); err != nil {
		t.Fatal(err)
	}
	up = h.node(t)
	kubectl("wait", "pod/lasting", "--for=condition=Ready", "--timeout=60s")
	if after := kubectl("get", "pod", "lasting", "-o", what); after != before {
		t.Errorf("before: %s; after: %s", before, after)
	}
	if out := kubectl("logs", "lasting"); out != "begun\n" {
		t.Errorf("its log is %q", out)
	}
	if out := kubectl("exec", "lasting", "--", "hostname"); out != "lasting\n" {
		t.Errorf("its name is %q", out)
	}
}
