//go:build linux && host && root

package walkthrough

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/causeway-access/causeway/test/containerd"
	"github.com/causeway-access/causeway/test/inside"
)

// insideImage is of one program, which testdata/containerd/image.txtar makes;
// without arguments it waits, as the first container of a pod does.
const insideImage = "causeway.test/inside:1"

// containerdSocket is where Debian's containerd answers.
const containerdSocket = "/run/containerd/containerd.sock"

// TestPodsOfContainerd tells the story of a person whose machine has containerd,
// and who has the cluster's pods run by it.
func TestPodsOfContainerd(t *testing.T) {
	if !inside.Alone(t) {
		return
	}
	h := newHome(t)
	ownConfiguration(t)
	startContainerd(t)
	up := h.containerdNode(t)
	variables := map[string]string{"API": up.URL, "DATA": up.DataDir, "KUBECONFIG": up.AdminKubeconfig, "GOCACHE": goCache(t), "NODE": "worker", "ADDRESS": inside.Address}
	// Scripts run when the function that has started them returns.
	t.Run("use", func(t *testing.T) { runFiles(t, variables, "testdata/containerd/image.txtar") })
	kubectl := func(args ...string) string {
		t.Helper()
		out, err := h.command("kubectl", append([]string{"--kubeconfig", up.AdminKubeconfig}, args...)...).Output()
		if err != nil {
			t.Fatalf("kubectl %v: %v\n%s", args, err, err.(*exec.ExitError).Stderr)
		}
		return string(out)
	}
	const what = `jsonpath={.status.podIP} {.status.containerStatuses[0].containerID} {.status.containerStatuses[0].restartCount}`
	before := kubectl("get", "pod", "web", "-o", what)
	if err := up.kill(); err != nil {
		t.Fatal(err)
	}
	up = h.containerdNode(t)
	kubectl("wait", "pod/web", "--for=condition=Ready", "--timeout=60s")
	if after := kubectl("get", "pod", "web", "-o", what); after != before {
		t.Errorf("before: %s; after: %s", before, after)
	}
	variables["API"] = up.URL
	t.Run("adoption", func(t *testing.T) { runFiles(t, variables, "testdata/containerd/again.txtar") })
	if err := up.stop(); err != nil {
		t.Error(err)
	}
	if out := h.containerdDown(t); !strings.Contains(out, "pod default/web ended") {
		t.Errorf("causeway down: %s", out)
	}
	nothingIsLeft(t)
}

// TestAMachineWithContainerdJoins has a second machine, which has containerd,
// become a node behind a tunnel; the first one is none, and has no routes. What is
// done with pods there is done as above, and its agent is killed, too.
func TestAMachineWithContainerdJoins(t *testing.T) {
	if !inside.Alone(t) {
		return
	}
	h := newHome(t)
	ownConfiguration(t)
	p := &pair{home: h, second: h.neighbour(t)}
	startContainerd(t, "nsenter", "--net="+p.second.network, "--")
	p.up = start(t, h.command("causeway", "up", "--node=false", "--data-dir", h.data(), "--listen", ":0", "--output", "json"))
	down := func() string {
		t.Helper()
		out, err := p.second.command("causeway", "down", "--data-dir", p.dir(), "--grace-period", "1s", "--container-runtime-endpoint", "unix://"+containerdSocket).CombinedOutput()
		if err != nil {
			t.Errorf("causeway down: %v\n%s", err, out)
		}
		return string(out)
	}
	t.Cleanup(func() { down() })
	flags := append(containerdFlags(), "--tunnel")
	_, server, _ := p.join(t, flags...)
	variables := map[string]string{"API": p.up.URL, "DATA": p.up.DataDir, "KUBECONFIG": p.up.AdminKubeconfig, "GOCACHE": goCache(t), "NODE": "second", "ADDRESS": neighbourAddress}
	if !t.Run("use", func(t *testing.T) { runFiles(t, variables, "testdata/containerd/image.txtar") }) {
		return
	}
	const what = `jsonpath={.status.podIP} {.status.containerStatuses[0].containerID} {.status.containerStatuses[0].restartCount}`
	before := p.kubectl(t, "get", "pod", "web", "-o", what)
	if err := p.agent.kill(); err != nil {
		t.Fatal(err)
	}
	p.run(t, p.node(append(flags, server)...))
	p.waits(t, "is ready", ready(corev1.ConditionTrue))
	if after := p.kubectl(t, "get", "pod", "web", "-o", what); after != before {
		t.Errorf("before: %s; after: %s", before, after)
	}
	until(t, "its log", func() (bool, string) { // its API has a port of its own again
		out, err := p.tryKubectl("logs", "web")
		return err == nil && out == "serving as web\n", out
	})
	t.Run("adoption", func(t *testing.T) { runFiles(t, variables, "testdata/containerd/again.txtar") })
	if err := p.agent.stop(); err != nil {
		t.Error(err)
	}
	if out := down(); !strings.Contains(out, "pod default/web ended") {
		t.Errorf("causeway down: %s", out)
	}
	nothingIsLeft(t)
}

// containerdFlags have containerd run a node's pods, and every unused image
// removed: its disk, which is small, is used by more than a hundredth.
func containerdFlags() []string {
	return []string{
		"--container-runtime-endpoint", "unix://" + containerdSocket, "--eviction-hard", "",
		"--image-gc-high-threshold", "1", "--image-gc-low-threshold", "1", "--image-gc-min-age", "1s",
	}
}

// containerdNode starts a cluster whose pods containerd runs, and ends them with
// the test.
func (h home) containerdNode(t *testing.T) *running {
	t.Helper()
	t.Cleanup(func() { h.containerdDown(t) })
	args := []string{"up", "--node", "--node-name", "worker", "--data-dir", h.data(), "--listen", ":0", "--node-listen", ":0", "--output", "json"}
	return start(t, h.command("causeway", append(args, containerdFlags()...)...))
}

func (h home) containerdDown(t *testing.T) string {
	t.Helper()
	out, err := h.command("causeway", "down", "--data-dir", h.data(), "--grace-period", "1s",
		"--container-runtime-endpoint", "unix://"+containerdSocket).CombinedOutput()
	if err != nil {
		t.Errorf("causeway down: %v\n%s", err, out)
	}
	return string(out)
}

// ownConfiguration has what is written into /etc end with the test.
func ownConfiguration(t *testing.T) {
	t.Helper()
	mustRun(t, "mkdir", "/run/etc", "/run/etc/upper", "/run/etc/work", filepath.Dir(containerdSocket))
	mustRun(t, "mount", "-t", "overlay", "-o", "lowerdir=/etc,upperdir=/run/etc/upper,workdir=/run/etc/work", "overlay", "/etc")
}

// startContainerd starts it, by a program that runs others if one is given. What
// it keeps is on a disk of its own.
func startContainerd(t *testing.T, by ...string) {
	t.Helper()
	mustRun(t, "mkdir", "/var/lib/containerd")
	mustRun(t, "mount", "-t", "tmpfs", "-o", "size=256m", "tmpfs", "/var/lib/containerd")
	cmd, err := containerd.Command(t.TempDir(), containerd.Config{Socket: containerdSocket, PauseImage: insideImage})
	if err != nil {
		t.Fatal(err)
	}
	if len(by) > 0 {
		cmd = exec.Command(by[0], slices.Concat(by[1:], cmd.Args)...)
	}
	var log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("containerd says:\n%s", &log)
		}
	})
}

// nothingIsLeft looks for what pods have, after the last of them.
func nothingIsLeft(t *testing.T) {
	t.Helper()
	for _, pattern := range []string{
		"/etc/cni/net.d/*", "/var/lib/cni/results/*", "/run/netns/*", "/sys/class/net/veth*",
		containerd.State + "/io.containerd.runtime.v2.task/k8s.io/*",
	} {
		if found, err := filepath.Glob(pattern); err != nil || len(found) > 0 {
			t.Errorf("of pods there is left: %v (%v)", found, err)
		}
	}
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(mounts) {
		if bytes.Contains(line, []byte("/run/netns/")) || bytes.Contains(line, []byte(containerd.State)) {
			t.Errorf("there is still mounted: %s", line)
		}
	}
	out, err := exec.Command("ctr", "--address", containerdSocket, "--namespace", "k8s.io", "containers", "ls", "--quiet").CombinedOutput()
	if err != nil || len(bytes.TrimSpace(out)) > 0 {
		t.Error(fmt.Errorf("containerd still has containers: %w\n%s", err, out))
	}
}
