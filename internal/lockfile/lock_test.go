package lockfile_test

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"testing"

	"github.com/causeway-access/causeway/internal/lockfile"
)

// TestMain lets a test run this binary as another process that takes a
// directory and holds it until it is killed.
func TestMain(m *testing.M) {
	if dir := os.Getenv("LOCKFILE_TEST_HOLD"); dir != "" {
		if _, err := lockfile.Acquire(dir); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println("held")
		select {}
	}
	os.Exit(m.Run())
}

func TestAHeldDirectoryNamesItsHolder(t *testing.T) {
	dir := t.TempDir()
	other := hold(t, dir)
	_, err := lockfile.Acquire(dir)
	var held *lockfile.HeldError
	if !errors.As(err, &held) {
		t.Fatalf("got %v, want a HeldError", err)
	}
	if held.Dir != dir || held.PID != other.Process.Pid {
		t.Errorf("held is %+v, want directory %s and process %d", held, dir, other.Process.Pid)
	}
}

func TestAKilledProcessGivesItsDirectoryUp(t *testing.T) {
	dir := t.TempDir()
	other := hold(t, dir)
	if err := other.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = other.Wait() // that it was killed is no news
	lock, err := lockfile.Acquire(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := lock.Release(); err != nil {
		t.Error(err)
	}
}

func TestAReleasedDirectoryCanBeTakenAgain(t *testing.T) {
	dir := t.TempDir()
	for range 2 {
		lock, err := lockfile.Acquire(dir)
		if err != nil {
			t.Fatal(err)
		}
		if err := lock.Release(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAMissingDirectoryIsAnError(t *testing.T) {
	if _, err := lockfile.Acquire(t.TempDir() + "/missing"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v, want that it does not exist", err)
	}
}

// hold starts a process that has dir, and waits until it says so.
func hold(t *testing.T, dir string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "LOCKFILE_TEST_HOLD="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // may have ended already
		_ = cmd.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || line != "held\n" {
		t.Fatalf("the other process says %q, %v", line, err)
	}
	return cmd
}
