//go:build linux && host && root

package cri

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/causeway-access/causeway/test/inside"
)

// variable holds, in a process that is alone, the name of the test which it runs.
const variable = "CAUSEWAY_TEST_ALONE"

// alone returns true in a process that is in a network, mounts and processes
// of its own, whose /run and /var/lib are empty, and there runs the test. All
// that a container runtime starts, mounts and writes ends with it.
func alone(t *testing.T) bool {
	t.Helper()
	if os.Getenv(variable) == t.Name() {
		for _, dir := range []string{"/run", "/var/lib"} {
			if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "mode=0755"); err != nil {
				t.Fatalf("mounting on %s: %v", dir, err)
			}
		}
		return true
	}
	if !inside.Namespaces(t) {
		return false
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	// The shell is the first process there, and takes in those without parents.
	cmd := exec.CommandContext(t.Context(), "unshare", "--pid", "--fork", "--kill-child", "--mount-proc",
		"sh", "-c", `"$@"; exit $?`, "sh", program, "-test.v", "-test.run=^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), variable+"="+t.Name(), fmt.Sprintf("%s=causeway-test-%d", groupVariable, os.Getpid()))
	out, err := cmd.CombinedOutput()
	t.Logf("alone:\n%s", out)
	if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Errorf("alone: %v", err)
	}
	return false
}
