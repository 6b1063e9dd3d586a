//go:build linux

// Package vm runs tests on a kernel of their own, in a virtual machine: those
// whose subject is what the host's kernel cannot be asked for, as the version of
// control groups, which is one for a whole machine.
//
// The machine is qemu's, without the help of the host's processor, so that it
// needs no rights; it boots in some ten seconds. Its root is the host's,
// read-only under a layer in memory. It has no network but what a test makes, and
// ends with the test.
package vm

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

//go:embed init.sh
var initScript []byte

// patience is how long a machine may take in all.
const patience = 30 * time.Minute

// variable tells tests that they are in a machine.
const variable = "CAUSEWAY_TEST_VM"

// Inside reports that the caller is in a machine, where nothing is missing.
func Inside() bool { return os.Getenv(variable) != "" }

// Machine is what is told of a machine to be.
type Machine struct {
	// ControlGroups is their version, 1 or 2.
	ControlGroups int
}

// Run runs tests of the calling program once more, as root of a machine. It fails
// t where one of them does not pass there.
func (m Machine) Run(t *testing.T, tests ...string) {
	t.Helper()
	if runtime.GOARCH != "amd64" {
		if os.Getenv("CI") == "true" {
			t.Fatal("there are virtual machines for amd64 only")
		}
		t.Skipf("NOT RUN: %v with version %d of control groups: there are virtual machines for amd64 only", tests, m.ControlGroups)
	}
	k, err := findKernel()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	initrd, output, console := filepath.Join(dir, "initrd"), filepath.Join(dir, "output"), filepath.Join(dir, "console")
	if err := k.root(filepath.Join(dir, "root"), initrd, task(t, tests), m.ControlGroups); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	begun := time.Now()
	qemu := exec.CommandContext(ctx, "qemu-system-x86_64",
		"-accel", "tcg,thread=multi", "-cpu", "max", "-smp", "2", "-m", "4096", "-nodefaults", "-nographic", "-no-reboot",
		"-kernel", k.image(), "-initrd", initrd, "-append", "console=ttyS0 loglevel=4 panic=-1",
		"-serial", "file:"+console, "-serial", "file:"+output,
		"-virtfs", "local,path=/,mount_tag=host,security_model=none,readonly=on,multidevs=remap",
	)
	// It ends with the tests even if they are killed; the kernel takes the thread
	// that has started it for its parent.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	qemu.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := qemu.CombinedOutput()
	said := text(output)
	t.Logf("in a machine with version %d of control groups, %v:\n%s", m.ControlGroups, time.Since(begun).Round(time.Second), said)
	if err != nil {
		t.Errorf("qemu: %v\n%s", err, out)
	}
	for _, name := range tests {
		if !strings.Contains(said, "--- PASS: "+name+" ") {
			t.Errorf("%s has not passed there", name)
		}
	}
	if !strings.Contains(said, "\nexit 0\n") {
		t.Errorf("the tests did not end well there; the console has:\n%s", text(console))
	}
}

// task is the script that the machine runs, with the environment of a user and
// nothing else.
func task(t *testing.T, tests []string) string {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	// What is on the host in /tmp and /run is below /run/host alone.
	return fmt.Sprintf(`
export PATH=%q HOME=/tmp CI=%q %s=true
exec >/dev/ttyS1 2>&1
stty -F /dev/ttyS1 -opost
hostname machine
ip link set lo up
cd %q
%q -test.v -test.timeout %s -test.run %q
echo "exit $?"
sync
echo o >/proc/sysrq-trigger
while :; do :; done
`, os.Getenv("PATH"), os.Getenv("CI"), variable, "/run/host"+dir, "/run/host"+program, patience, "^("+strings.Join(tests, "|")+")$")
}

// unprintable is what terminals and shells of the tests leave in the output.
var unprintable = regexp.MustCompile(`[^\t\n -~]`)

func text(path string) string {
	data, _ := os.ReadFile(path)
	return unprintable.ReplaceAllString(string(data), "")
}

// Other is the version of control groups that this machine has not got.
func Other() int {
	if exists("/sys/fs/cgroup/cgroup.controllers") {
		return 1
	}
	return 2
}
