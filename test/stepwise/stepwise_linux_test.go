//go:build host

package stepwise

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/causeway-access/causeway/test/inside"
)

// worksVariable makes this test binary a program that takes steps in a directory.
const worksVariable = "CAUSEWAY_TEST_WORKS"

func TestMain(m *testing.M) {
	Main(os.Args)
	if dir := os.Getenv(worksVariable); dir != "" {
		if err := work(dir); err != nil {
			panic(err)
		}
		return
	}
	os.Exit(m.Run())
}

// work takes some steps itself, and some by another program that outlives it.
func work(dir string) error {
	if err := os.Mkdir(filepath.Join(dir, "a"), 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "a", "f"), nil, 0o600); err != nil {
		return err
	}
	if err := os.Rename(filepath.Join(dir, "a", "f"), filepath.Join(dir, "a", "g")); err != nil {
		return err
	}
	child := exec.Command("sh", "-c", "exec > child; echo ready > said; read forever")
	child.Dir = dir
	if _, err := child.StdinPipe(); err != nil {
		return err
	}
	if err := child.Start(); err != nil {
		return err
	}
	return os.RemoveAll(filepath.Join(dir, "a"))
}

// run runs it until it has ended, and returns the steps below the directory.
func run(t *testing.T, kill string) (dir string, steps []string, status syscall.WaitStatus) {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), worksVariable+"="+dir)
	cmd.Stderr = os.Stderr
	r, err := Prepare(cmd, func(s Step) bool {
		if below, ok := strings.CutPrefix(s.What, dir+"/"); ok {
			s.What = below
			if !s.Own {
				s.Call += " (child)"
			}
			steps = append(steps, s.String())
		}
		return s.String() == kill
	})
	if err != nil {
		t.Fatal(err)
	}
	err = cmd.Start()
	r.Started()
	if err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // the status says it
	select {
	case <-r.Left():
	case <-time.After(time.Minute):
		t.Fatal("something of it is left")
	}
	if err := r.Err(); err != nil {
		t.Error(err)
	}
	return dir, steps, cmd.ProcessState.Sys().(syscall.WaitStatus)
}

// The filter needs rights that an ordinary user has in namespaces of his own alone.
func TestAProgramIsKilledBeforeAStep(t *testing.T) {
	if !inside.Namespaces(t) {
		return
	}
	all := []string{"mkdir a", "write a/f", "rename to a/g", "write (child) child", "write (child) said", "unlink a", "unlink a/g", "unlink a"}
	_, steps, status := run(t, "")
	if !status.Exited() || status.ExitStatus() != 0 {
		t.Errorf("it ended with %v", status)
	}
	own := func(steps []string) []string {
		var list []string
		for _, s := range steps {
			if !strings.Contains(s, "(child)") {
				list = append(list, s)
			}
		}
		return slices.Compact(list) // what is removed is tried as a file, and as a directory
	}
	if diff := cmp.Diff(own(all), own(steps)); diff != "" {
		t.Fatalf("its steps (-want +got):\n%s", diff)
	}
	dir, steps, status := run(t, "rename to a/g")
	if !status.Signaled() || status.Signal() != syscall.SIGKILL {
		t.Errorf("it ended with %v", status)
	}
	if diff := cmp.Diff(all[:3], steps); diff != "" {
		t.Errorf("its steps (-want +got):\n%s", diff)
	}
	if _, err := os.Stat(filepath.Join(dir, "a", "f")); err != nil {
		t.Errorf("the step before it was killed: %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "a", "g")); err == nil {
		t.Error("the step at which it was killed has been taken")
	}
}
