//go:build host

package walkthrough

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/causeway-access/causeway/test/inside"
)

func mustRun(t *testing.T, args ...string) {
	t.Helper()
	if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", args, err, out)
	}
}

// TestRealServersAreReachedByTheirNames has people reach a real InfluxDB and a
// real Prometheus through a cluster, in every way that the documents show.
func TestRealServersAreReachedByTheirNames(t *testing.T) {
	if !inside.Namespaces(t) {
		return
	}
	h := newHome(t)
	influxDB := serveReal(t, `Listening on HTTP.*addr=([0-9.:]+)`, h.influxDB(t))
	prometheus := serveReal(t, `Server is ready to receive web requests`, h.prometheus(t))
	up := start(t, h.up())
	variables := map[string]string{
		"API": up.URL, "DATA": up.DataDir, "KUBECONFIG": up.AdminKubeconfig,
		"INFLUXDB": influxDB, "PROMETHEUS": prometheus,
	}
	runScripts(t, "testdata/host", variables)
	found := kubectls(t)
	if len(found) == 0 {
		t.Error("no kubectl was found, not even the one in this program")
	}
	for version, dir := range found {
		t.Run("kubectl "+version, func(t *testing.T) {
			own := map[string]string{"PATH": dir + string(filepath.ListSeparator) + os.Getenv("PATH")}
			for name, value := range variables {
				own[name] = value
			}
			runScripts(t, "testdata/kubectl", own)
		})
	}
}

// serveReal runs a server until the end of the test, and returns the address
// that it says it listens on, or else the one it was given.
func serveReal(t *testing.T, ready string, cmd *exec.Cmd) string {
	t.Helper()
	s, match, err := startServer(cmd, regexp.MustCompile(ready))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.kill(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Logf("%v wrote:\n%s", cmd.Args, s.output)
		}
	})
	if len(match) > 1 {
		return match[1]
	}
	return inside.Address + ":9090"
}

func (h home) influxDB(t *testing.T) *exec.Cmd {
	t.Helper()
	config := fmt.Sprintf(`
reporting-disabled = true
bind-address = "%[1]s:8088"
[meta]
dir = "%[2]s/meta"
[data]
dir = "%[2]s/data"
wal-dir = "%[2]s/wal"
[monitor]
store-enabled = false
[http]
bind-address = "%[1]s:8086"
`, inside.Address, h.path("influxdb"))
	rewrite(t, h.path("influxdb.conf"), []byte(config))
	return h.command("influxd", "run", "-config", h.path("influxdb.conf"))
}

func (h home) prometheus(t *testing.T) *exec.Cmd {
	t.Helper()
	rewrite(t, h.path("prometheus.yaml"), []byte("global: {}\n"))
	return h.command("prometheus", "--config.file="+h.path("prometheus.yaml"),
		"--storage.tsdb.path="+h.path("prometheus"), "--web.listen-address="+inside.Address+":9090")
}

// TestUpAsRootKeepsEverythingInVarLib runs without any flag but the address.
func TestUpAsRootKeepsEverythingInVarLib(t *testing.T) {
	if !inside.Namespaces(t) {
		return
	}
	mustRun(t, "mount", "-t", "tmpfs", "tmpfs", "/var/lib")
	h := newHome(t)
	up := start(t, h.command("causeway", "up", "--node=false", "-o", "json"))
	if up.DataDir != "/var/lib/causeway" || up.URL != "https://127.0.0.1:6443" || up.Kubeconfig != h.path(".kube", "config") {
		t.Errorf("up is at %s with its data in %s and its context in %s", up.URL, up.DataDir, up.Kubeconfig)
	}
	onlyTheOwnerReads(t, up.DataDir)
	status, stdout, stderr := finish(t, h.command("causeway", "cluster-info"))
	if status != 0 || !strings.Contains(stdout, "control plane is running at https://127.0.0.1:6443\n") {
		t.Errorf("cluster-info: status %d, %s%s", status, stdout, stderr)
	}
}

// TestAFullDiskLosesNothing fills the disk under a running cluster. It may end
// over that, but says why; with space again, all that was acknowledged is there.
func TestAFullDiskLosesNothing(t *testing.T) {
	if !inside.Namespaces(t) {
		return
	}
	h := newHome(t)
	if err := os.Mkdir(h.data(), 0o700); err != nil {
		t.Fatal(err)
	}
	mustRun(t, "mount", "-t", "tmpfs", "-o", "size=200m,mode=0700", "tmpfs", h.data())
	t.Cleanup(func() { mustRun(t, "umount", "--lazy", h.data()) })
	up := start(t, h.up())
	createConfigMap(t, up, "before")
	fillDisk(t, h.data("filler"))
	written := writeUntilRefused(t, up)
	if up.over() || waitsToEnd(up) {
		said := up.output.String()
		if up.cmd.ProcessState.ExitCode() != 1 || !strings.Contains(said, "\nerror: ") || !strings.Contains(said, "no space left on device") {
			t.Errorf("the cluster ended without a clear error: %v\n%s", up.err, said)
		}
	}
	t.Logf("%d writes were acknowledged on a full disk; then: %s", len(written), up.output)
	if !up.over() {
		if err := up.kill(); err != nil {
			t.Fatal(err)
		}
	}
	refuses(t, h.up(), 1, "no space left on device")
	if err := os.Remove(h.data("filler")); err != nil {
		t.Fatal(err)
	}
	next := start(t, h.up())
	hasConfigMaps(t, next, append(written, "before")...)
	createConfigMap(t, next, "after")
}

// fillDisk writes until nothing fits any more.
func fillDisk(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for piece := make([]byte, 1<<20); len(piece) > 0; {
		if _, err := f.Write(piece); errors.Is(err, syscall.ENOSPC) {
			piece = piece[:len(piece)/2]
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

// writeUntilRefused returns the names of the objects that were acknowledged.
func writeUntilRefused(t *testing.T, up *running) []string {
	t.Helper()
	var names []string
	padding := strings.Repeat("x", 500_000)
	for n := range 400 {
		name := fmt.Sprintf("on-full-disk-%d", n)
		_, err := up.client.CoreV1().ConfigMaps("default").Create(t.Context(), &corev1.ConfigMap{
			ObjectMeta: metav1.ObjectMeta{Name: name}, Data: map[string]string{"kept": name, "padding": padding},
		}, metav1.CreateOptions{})
		if err != nil {
			t.Logf("refused: %v", err)
			return names
		}
		names = append(names, name)
	}
	t.Error("a full disk took 200 MB")
	return names
}

// waitsToEnd gives a program that may have begun to end the time for it. What
// it says of the disk may also be about a line of a log that it lives without.
func waitsToEnd(up *running) bool {
	if !strings.Contains(up.output.String(), "no space left on device") {
		return false
	}
	select {
	case <-up.ended:
		return true
	case <-time.After(time.Minute):
		return false
	}
}
