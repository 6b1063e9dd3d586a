//go:build host

package walkthrough

import (
	"os/exec"
	"strings"
	"testing"
)

// TestAnOrdinaryUsersPodsRun tells of a node without root: what runs on it is
// reached, survives the death of `up`, and is gone after `down`. All that it
// makes is in namespaces of its own; nothing of the machine's is touched.
func TestAnOrdinaryUsersPodsRun(t *testing.T) {
	h := newHome(t)
	ordinary := ordinaryUser(t, h)
	begin := func() *running {
		return start(t, ordinary(h.command("causeway", "up", "--node", "--node-name", "worker",
			"--data-dir", h.data(), "--listen", "127.0.0.1:0", "--output", "json")))
	}
	down := func() string {
		t.Helper()
		out, err := ordinary(h.command("causeway", "down", "--data-dir", h.data(), "--grace-period", "1s")).CombinedOutput()
		if err != nil {
			t.Errorf("causeway down: %v\n%s", err, out)
		}
		return string(out)
	}
	t.Cleanup(func() { down() })
	up := begin()
	t.Run("reached", func(t *testing.T) {
		variables := map[string]string{"KUBECONFIG": up.AdminKubeconfig, "API": up.URL, "DATA": up.DataDir, "GOCACHE": goCache(t)}
		runScripts(t, "testdata/ordinary", variables)
	})
	kubectl := func(args ...string) string {
		t.Helper()
		out, err := h.command("kubectl", append([]string{"--kubeconfig", up.AdminKubeconfig}, args...)...).Output()
		if err != nil {
			t.Fatalf("kubectl %v: %v\n%s", args, err, err.(*exec.ExitError).Stderr)
		}
		return string(out)
	}
	kubectl("run", "lasting", "--image=host", "--", "sh", "-c", "echo begun; exec sleep 1000")
	kubectl("wait", "pod/lasting", "--for=condition=Ready", "--timeout=90s")
	const what = `jsonpath={.status.podIP} {.status.containerStatuses[0].containerID} {.status.containerStatuses[0].restartCount}`
	before := kubectl("get", "pod", "lasting", "-o", what)
	for name, end := range map[string]func(*server) error{"killed": (*server).kill, "told to end": (*server).stop} {
		if err := end(up.server); err != nil {
			t.Fatal(err)
		}
		up = begin()
		kubectl("wait", "pod/lasting", "--for=condition=Ready", "--timeout=90s")
		if after := kubectl("get", "pod", "lasting", "-o", what); after != before {
			t.Errorf("%s: before: %s; after: %s", name, before, after)
		}
		if out := kubectl("exec", "lasting", "--", "hostname"); out != "lasting\n" {
			t.Errorf("%s: its name is %q", name, out)
		}
	}
	if err := up.stop(); err != nil {
		t.Fatal(err)
	}
	if out := down(); !strings.Contains(out, "pod default/lasting ended") {
		t.Errorf("causeway down: %s", out)
	}
	if out, err := exec.Command("pgrep", "-f", h.data()).Output(); err == nil {
		t.Errorf("processes are left: %s", out)
	}
}
