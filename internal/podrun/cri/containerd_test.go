//go:build linux && host && root

package cri

import (
	"bytes"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/causeway-access/causeway/test/containerd"
)

// Where containerd and the agent have theirs, in the empty directories of
// [alone].
const (
	socket  = "/run/containerd.sock"
	cniDir  = "/var/lib/net.d"
	rootDir = "/var/lib/pods"
)

// startContainerd starts it, and ends it with the test. Nothing of what it has
// started may be left then.
func startContainerd(t *testing.T) {
	t.Helper()
	cmd, err := containerd.Command(t.TempDir(), containerd.Config{Socket: socket, CNIDir: cniDir, PauseImage: pauseImage})
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
		if left := others(t); left != "" {
			t.Errorf("what containerd has started is left:\n%s", left)
		}
		if t.Failed() {
			t.Logf("containerd says:\n%s", &log)
		}
	})
}

// others are the processes beside this one and the first, but those that have
// ended and that nobody has asked for.
func others(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("ps", "-eo", "pid=,stat=,args=").Output()
	if err != nil {
		t.Fatal(err)
	}
	var left []string
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		own := fields[0] == "1" || fields[0] == fmt.Sprint(os.Getpid()) || strings.HasPrefix(fields[2], "ps")
		if !own && !strings.HasPrefix(fields[1], "Z") {
			left = append(left, line)
		}
	}
	return strings.Join(left, "")
}

// testConfig is of a runtime of its own, with control groups that nobody else has.
func testConfig() Config {
	return Config{
		Endpoint: "unix://" + socket, Root: rootDir, CNIDir: cniDir, PodCIDR: netip.MustParsePrefix("10.244.7.0/24"),
		CgroupParent: os.Getenv(groupVariable),
	}
}

// groupVariable has the name of the control groups, which differs for each
// process of the machine.
const groupVariable = "CAUSEWAY_TEST_GROUP"

// open opens a runtime, to be closed by the test's end.
func open(t *testing.T) *Runtime {
	t.Helper()
	r, err := New(t.Context(), testConfig())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() }) // a second time where the test has done it
	return r
}

// start starts containerd, and a runtime with the images of the tests. At the
// end nothing of its pods may be left.
func start(t *testing.T) *Runtime {
	t.Helper()
	startContainerd(t)
	r := open(t)
	images, err := r.ImportImages(t.Context(), archive(t))
	if err != nil || len(images) != 3 {
		t.Fatalf("images: %v, %v", images, err)
	}
	t.Cleanup(func() {
		if left := leftovers(t); left != "" {
			t.Errorf("of pods there is left:\n%s", left)
		}
		if err := r.groups.remove("."); err != nil {
			t.Error(err)
		}
	})
	return r
}

// leftovers are interfaces, control groups, files, addresses and mounts of pods.
func leftovers(t *testing.T) string {
	t.Helper()
	var left []string
	for _, pattern := range []string{
		filepath.Join("/sys/fs/cgroup", "*", os.Getenv(groupVariable), "*"), filepath.Join("/sys/fs/cgroup", os.Getenv(groupVariable), "*"),
		filepath.Join(rootDir, podsDir, "*"), filepath.Join(rootDir, "addresses", "causeway", "*.*.*.*"),
		"/var/lib/cni/results/*", "/run/netns/*", "/sys/class/net/veth*",
	} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range found {
			if info, err := os.Stat(path); err == nil && (info.IsDir() || !strings.HasPrefix(path, "/sys")) {
				left = append(left, path)
			}
		}
	}
	table, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(table)) {
		if strings.Contains(line, containerd.State) || strings.Contains(line, "/run/netns/") {
			left = append(left, line)
		}
	}
	return strings.Join(left, "\n")
}
