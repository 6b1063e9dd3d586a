//go:build linux && host

package cgroup

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/causeway-access/causeway/internal/podrun"
	"github.com/causeway-access/causeway/test/vm"
)

// parent is the name of the group that is the test's own.
func parent() string { return fmt.Sprintf("causeway-test-%d", os.Getpid()) }

// found is what a test made, of whichever version the kernel has, below a group
// of its own.
func found(t *testing.T, mountpoint string) Root {
	t.Helper()
	r := Find(mountpoint, parent())
	if err := r.Make(""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Remove(""); err != nil {
			t.Error(err)
		}
	})
	return r
}

// whole is found with nothing missing. Where this machine gives its user less, it
// is said, and only the virtual machines tell.
func whole(t *testing.T) (Root, bool) {
	t.Helper()
	r := found(t, Mountpoint)
	missing := r.Missing()
	if missing != nil && vm.Inside() {
		t.Fatalf("missing: %v", missing)
	}
	if missing != nil {
		t.Logf("NOT HERE, in virtual machines alone: no control groups of %v", missing)
	}
	return r, missing == nil
}

// motherVariable has the group of a mother and that of her child, below those of a
// mountpoint and a parent.
const motherVariable = "CAUSEWAY_TEST_MOTHER"

func TestMain(m *testing.M) {
	if names := strings.Fields(os.Getenv(motherVariable)); len(names) == 4 {
		if err := mother(Find(names[0], names[1]), names[2], names[3]); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// mother goes into the group home, as the first process of a pod does, and starts
// a child in another. Both stay until nobody speaks to them any more.
func mother(r Root, home, group string) error {
	if err := r.Join(home, os.Getpid()); err != nil {
		return err
	}
	e, err := r.Open(group, home)
	if err != nil {
		return err
	}
	cmd := exec.Command("cat")
	cmd.Stdin = os.Stdin
	thread, err := onThread(func() error { return e.Within(cmd.Start) })
	if err != nil {
		return err
	}
	for err == nil { // version 1 has the thread in the group until it has ended
		_, err = os.Stat(fmt.Sprintf("/proc/self/task/%d", thread))
		runtime.Gosched()
	}
	fmt.Println(cmd.Process.Pid)
	return cmd.Wait()
}

// onThread runs f on a thread that ends with it, and says which.
func onThread(f func() error) (thread int, err error) {
	done := make(chan error)
	go func() {
		runtime.LockOSThread()                             // never unlocked
		if thread = unix.Gettid(); thread == os.Getpid() { // that one would not end
			var err error
			thread, err = onThread(f)
			done <- err
			return
		}
		done <- f()
	}()
	err = <-done
	return thread, err
}

// family starts a mother, and returns her and her child.
func family(t *testing.T, r Root, mountpoint, home, group string) (pid, child int) {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program)
	cmd.Env = append(os.Environ(), strings.Join([]string{motherVariable + "=" + mountpoint, parent(), home, group}, " "))
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	})
	line, _ := bufio.NewReader(out).ReadString('\n')
	if child, err = strconv.Atoi(strings.TrimSpace(line)); err != nil {
		t.Fatalf("the mother said %q", line)
	}
	return cmd.Process.Pid, child
}

// This is what the kernel of the machine itself does, which has limits if nothing
// is missing.
func TestTheKernelLimitsAndCounts(t *testing.T) {
	r, ok := whole(t)
	if !ok {
		return
	}
	for _, group := range []string{"pod/init", "pod/container"} {
		if err := r.Make(group); err != nil {
			t.Fatal(err)
		}
	}
	for _, group := range []string{"pod", "pod/container"} {
		if err := r.Limit(group, podrun.Resources{MilliCPU: 250, CPUShares: 512, Memory: 8 << 20, Processes: 7}); err != nil {
			t.Fatal(err)
		}
		wanted := map[string]string{"cpu.max": "25000 100000", "cpu.weight": "20", "memory.max": "8388608", "pids.max": "7"}
		if r.unified == "" {
			wanted = map[string]string{"cpu.cfs_quota_us": "25000", "cpu.shares": "512", "memory.limit_in_bytes": "8388608", "pids.max": "7"}
		}
		for file, want := range wanted {
			controller, _, _ := strings.Cut(file, ".")
			if got, err := read(r.of(controller, group), file); got != want || err != nil {
				t.Errorf("%s of %s: %q, %v, want %q", file, group, got, err, want)
			}
		}
	}
	mother, child := family(t, r, Mountpoint, "pod/init", "pod/container")
	for group, pid := range map[string]int{"pod/init": mother, "pod/container": child} {
		if got := fmt.Sprint(r.Processes(group)); got != fmt.Sprintf("[%d]", pid) {
			t.Errorf("processes of %s: %s, want %d", group, got, pid)
		}
	}
	if stats := r.Stats("pod"); stats.Processes < 2 || stats.Memory == 0 {
		t.Errorf("two processes use %+v", stats)
	}
}

// Who is born in a group that has no room for it dies, which is counted.
func TestTheKernelCountsWhatItKills(t *testing.T) {
	r, ok := whole(t)
	if !ok {
		return
	}
	if err := r.Make("pod"); err != nil {
		t.Fatal(err)
	}
	if err := r.Limit("pod", podrun.Resources{Memory: 8 << 20}); err != nil {
		t.Fatal(err)
	}
	hog := exec.Command("sh", "-c", "read go; x=$(head -c 64m /dev/zero | tr '\\0' x)")
	in, err := hog.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := hog.Start(); err != nil {
		t.Fatal(err)
	}
	if err := r.Join("pod", hog.Process.Pid); err != nil {
		t.Error(err)
	}
	fmt.Fprintln(in, "go")
	_ = hog.Wait()
	if got := r.Kills("pod"); got == 0 {
		t.Errorf("a process that took too much was not killed: %v", hog.ProcessState)
	}
}

// containerVariable is what is missing in a container, in a process that is in one.
const containerVariable = "CAUSEWAY_TEST_CONTAINER"

// In a container there may be processes in what it sees as the whole machine.
// The kernel lets nothing be limited below then, which is said, and all else works.
func TestAContainerMayHaveProcessesAtItsTop(t *testing.T) {
	machine, ok := whole(t)
	if !ok || machine.unified == "" { // version 1 knows no such thing
		return
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct{ of, missing string }{
		"it has":                    {".", "[cpu memory pids]"},
		"they are in a group below": {"init", "[]"},
	} {
		t.Run(name, func(t *testing.T) {
			top := filepath.Join("container", strings.ReplaceAll(name, " ", "-"))
			if err := machine.Make(top); err != nil {
				t.Fatal(err)
			}
			const enter = `echo $$ >"$1/cgroup.procs" && exec unshare --cgroup sh -c 'mkdir -p "$1/$2" && echo $$ >"$1/$2/cgroup.procs" && shift 2 && exec "$@"' sh "$@"`
			cmd := exec.Command("sh", "-c", enter, "sh", filepath.Join(machine.unified, top), test.of, program, "-test.v", "-test.run=^TestInAContainer$")
			cmd.Env = append(os.Environ(), containerVariable+"="+test.missing)
			cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
			if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "--- PASS: TestInAContainer") {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

// TestInAContainer is a part of the one before.
func TestInAContainer(t *testing.T) {
	want := os.Getenv(containerVariable)
	if want == "" {
		return
	}
	mountpoint := t.TempDir()
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("cgroup2", mountpoint, "cgroup2", 0, ""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(mountpoint, syscall.MNT_DETACH) })
	r := found(t, mountpoint)
	if got := fmt.Sprint(r.Missing()); got != want {
		t.Errorf("missing: %s, want %s", got, want)
	}
	for _, group := range []string{"pod/init", "pod/container"} {
		if err := r.Make(group); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Limit("pod", podrun.Resources{MilliCPU: 250, Memory: 64 << 20, Processes: 70}); err != nil {
		t.Errorf("limiting what can be: %v", err)
	}
	_, child := family(t, r, mountpoint, "pod/init", "pod/container")
	if got := fmt.Sprint(r.Processes("pod/container")); got != fmt.Sprintf("[%d]", child) {
		t.Errorf("processes %s, want %d", got, child)
	}
}

// The machine that runs the tests has one version of control groups.
func TestTheKernelOfEachVersion(t *testing.T) {
	for version := 1; version <= 2; version++ {
		t.Run(fmt.Sprint(version), func(t *testing.T) {
			t.Parallel()
			vm.Machine{ControlGroups: version}.Run(t, "TestTheKernelLimitsAndCounts", "TestTheKernelCountsWhatItKills", "TestAContainerMayHaveProcessesAtItsTop")
		})
	}
}
