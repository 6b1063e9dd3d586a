//go:build host

package walkthrough

import (
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// machine is another machine: a network of its own, joined to that of the test
// as by a cable.
type machine struct {
	home
	network string
	user    []string // flags of nsenter that say who uses it; root if empty
}

// neighbourAddress is the other machine's, in the network of [inside.Address].
const neighbourAddress = "192.0.2.11"

// neighbour makes the machine, which ends with the test.
func (h home) neighbour(t *testing.T) machine {
	t.Helper()
	holder := exec.Command("sleep", "infinity") // has the network
	holder.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	if err := holder.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = holder.Process.Kill() // it has not ended before
		_ = holder.Wait()
	})
	m := machine{home: h, network: fmt.Sprintf("/proc/%d/ns/net", holder.Process.Pid)}
	mustRun(t, "ip", "link", "set", "there", "netns", fmt.Sprint(holder.Process.Pid))
	for _, line := range []string{"link set lo up", "address add " + neighbourAddress + "/24 dev there", "link set there up"} {
		args := append([]string{"--net=" + m.network, "ip"}, strings.Fields(line)...)
		mustRun(t, append([]string{"nsenter"}, args...)...)
	}
	return m
}

// command is a program as it runs on the machine.
func (m machine) command(name string, args ...string) *exec.Cmd {
	return m.home.command("nsenter", slices.Concat([]string{"--net=" + m.network}, m.user, []string{"--", name}, args)...)
}

// until waits for something that takes its time on a slow machine.
func until(t *testing.T, what string, good func() (bool, string)) {
	t.Helper()
	last := ""
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(200 * time.Millisecond) {
		var ok bool
		if ok, last = good(); ok {
			return
		}
	}
	t.Fatalf("never: %s; the last that was seen: %s", what, last)
}

// noProcesses waits until none has a directory in its arguments: what keeps
// namespaces ends a little after the last pod.
func noProcesses(t *testing.T, dir string) {
	t.Helper()
	until(t, "no process of "+dir, func() (bool, string) {
		out, err := exec.Command("pgrep", "-a", "-f", dir).Output()
		var ended *exec.ExitError
		return errors.As(err, &ended) && ended.ExitCode() == 1, string(out)
	})
}
