//go:build linux

// Package inside runs a test in a network and mounts of its own, which end
// with it: nothing it does there reaches this machine or its network.
//
// The test calls [Namespaces] first. It needs Linux, and root or user
// namespaces; such tests carry the build tag host, which `make test` sets
// where that is so.
package inside

import (
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// variable holds, in a process that is in namespaces, the name of the test
// which it runs.
const variable = "CAUSEWAY_TEST_INSIDE"

// Address is one of the machine that a test sees inside: that which the
// manifests in examples/ name (RFC 5737).
const Address = "192.0.2.10"

// Namespaces returns true in a process that is in namespaces of its own, and
// there runs the test. Where it returns false it has run it so, in another
// process, and the test is to return.
func Namespaces(t *testing.T) bool {
	t.Helper()
	if os.Getenv(variable) == t.Name() {
		prepare(t)
		return true
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program, "-test.v", "-test.run=^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), variable+"="+t.Name())
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWNS}
	if os.Geteuid() != 0 {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{HostID: os.Geteuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getegid(), Size: 1}}
	}
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Errorf("in namespaces of its own: %v\n%s", err, out)
	}
	return false
}

// prepare gives the machine inside what every machine has: loopback, and an
// interface with an address. Its other end is here too; nothing leaves.
func prepare(t *testing.T) {
	t.Helper()
	for _, line := range []string{
		"mount --make-rprivate /",
		"ip link set lo up",
		"ip link add here type veth peer name there",
		"ip address add " + Address + "/24 dev here",
		"ip link set here up",
		"ip link set there up",
	} {
		args := strings.Fields(line)
		if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", line, err, out)
		}
	}
}
