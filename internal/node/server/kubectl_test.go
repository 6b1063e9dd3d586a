//go:build linux && host

package server_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
	"k8s.io/client-go/tools/clientcmd"
)

// kubectls are all that are installed, by their names, and the embedded one.
func kubectls(t *testing.T) map[string]string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{"embedded": self}
	path, err := exec.LookPath("kubectl")
	if err != nil {
		return all
	}
	if path, err = filepath.EvalSymlinks(path); err != nil {
		t.Fatal(err)
	}
	all[filepath.Base(path)] = path
	beside, err := filepath.Glob(filepath.Join(filepath.Dir(path), "kubectl.1.*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range beside {
		all[filepath.Base(file)] = file
		delete(all, "kubectl")
	}
	return all
}

// extremes are the oldest kubectl, which speaks SPDY, and the newest, which
// speaks WebSocket.
func extremes(t *testing.T) map[string]string {
	all := kubectls(t)
	few := map[string]string{"embedded": all["embedded"]}
	oldest := ""
	for name := range all {
		if name != "embedded" && (oldest == "" || name < oldest) {
			oldest = name
		}
	}
	if oldest != "" {
		few[oldest] = all[oldest]
	}
	return few
}

// desk is where kubectl is typed.
type desk struct {
	t   *testing.T
	dir string
	env []string
}

func (w *world) desk(t *testing.T, kubectl string) *desk {
	t.Helper()
	d := &desk{t: t, dir: t.TempDir()}
	config, err := clientcmd.LoadFromFile(w.Kubeconfig)
	if err == nil {
		err = clientcmd.WriteToFile(*config, filepath.Join(d.dir, "kubeconfig"))
	}
	if err == nil {
		err = os.Symlink(kubectl, filepath.Join(d.dir, "kubectl"))
	}
	if err != nil {
		t.Fatal(err)
	}
	d.env = append(os.Environ(), "HOME="+d.dir, "KUBECONFIG="+filepath.Join(d.dir, "kubeconfig"),
		"PATH="+d.dir+":"+os.Getenv("PATH"), "LC_ALL=C", "NO_PROXY=127.0.0.1", "no_proxy=127.0.0.1")
	return d
}

// limit ends commands that wait for what does not come.
const limit = 3 * time.Minute

// command is one of the shell, in a group of its own.
func (d *desk) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Dir, cmd.Env = d.dir, d.env
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 10 * time.Second
	return cmd
}

// sh runs a command line and returns what it said and its exit status.
func (d *desk) sh(line string) (out, errs string, code int) {
	d.t.Helper()
	ctx, cancel := context.WithTimeout(d.t.Context(), limit)
	defer cancel()
	cmd := d.command(ctx, "/bin/sh", "-c", line)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); err != nil && (!errors.As(err, &exit) || ctx.Err() != nil) {
		d.t.Fatalf("%s\n%v (%v)\nstdout: %s\nstderr: %s", line, err, ctx.Err(), &stdout, &stderr)
	}
	return stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()
}

// terminal is the two ends of a pseudo-terminal.
func terminal(t *testing.T) (ours, theirs *os.File) {
	t.Helper()
	ours, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ours.Close() })
	if err := unix.IoctlSetPointerInt(int(ours.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(int(ours.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	theirs, err = os.OpenFile(filepath.Join("/dev/pts", strconv.Itoa(number)), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { theirs.Close() })
	return ours, theirs
}

// running reports whether a process has these arguments.
func running(args ...string) bool {
	want := strings.Join(args, "\x00") + "\x00"
	files, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, file := range files {
		if line, err := os.ReadFile(file); err == nil && string(line) == want {
			return true
		}
	}
	return false
}
