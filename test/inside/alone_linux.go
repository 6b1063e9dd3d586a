package inside

import (
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// aloneVariable holds, in a process that is alone, the name of the test which
// it runs.
const aloneVariable = "CAUSEWAY_TEST_ALONE"

// Alone is [Namespaces] with processes of their own, too, and with an empty /run
// and /var/lib: all that a container runtime starts, mounts and writes there ends
// with the test. It needs root. The environment is that of the caller with what
// is given, NAME=VALUE.
func Alone(t *testing.T, environment ...string) bool {
	t.Helper()
	if os.Getenv(aloneVariable) == t.Name() {
		for _, dir := range []string{"/run", "/var/lib"} {
			if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "mode=0755"); err != nil {
				t.Fatalf("mounting on %s: %v", dir, err)
			}
		}
		return true
	}
	if !Namespaces(t) {
		return false
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	// The shell is the first process there, and takes in those without parents.
	cmd := exec.CommandContext(t.Context(), "unshare", "--pid", "--fork", "--kill-child", "--mount-proc",
		"sh", "-c", `"$@"; exit $?`, "sh", program, "-test.v", "-test.run=^"+t.Name()+"$")
	cmd.Env = append(append(os.Environ(), aloneVariable+"="+t.Name()), environment...)
	out, err := cmd.CombinedOutput()
	t.Logf("alone:\n%s", out)
	if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Errorf("alone: %v", err)
	}
	return false
}
