//go:build host

package test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// started is a cluster that `causeway up` runs for a test, in a home of its own.
type started struct {
	// Home is the home directory; its kubeconfig selects the cluster.
	Home string
	// Info is what `up -o json` printed.
	Info struct {
		URL, DataDir, CAFile, KubernetesAuth, TokenFile, Kubeconfig string
	}
}

// startCluster runs `causeway up` on a free port until the test ends, and
// checks that it then ends cleanly.
func startCluster(t *testing.T, args ...string) started {
	t.Helper()
	s := started{Home: t.TempDir()}
	var log bytes.Buffer
	up := exec.Command("causeway", append([]string{"up", "-o", "json", "--listen", "127.0.0.1:0", "--data-dir", filepath.Join(s.Home, "data")}, args...)...)
	up.Env = s.env()
	up.Stderr = &log
	stdout, err := up.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := up.Start(); err != nil {
		t.Fatal(err)
	}
	ready := make(chan error, 1)
	go func() { ready <- json.NewDecoder(stdout).Decode(&s.Info) }()
	select {
	case err = <-ready:
	case <-time.After(2 * time.Minute):
		err = os.ErrDeadlineExceeded
	}
	t.Cleanup(func() {
		stop(t, up, &log)
		if out, err := exec.Command("causeway", "down", "--data-dir", filepath.Join(s.Home, "data"), "--grace-period", "1s").CombinedOutput(); err != nil {
			t.Errorf("causeway down: %v\n%s", err, out) // its pods would go on
		}
	})
	if err != nil {
		t.Fatalf("the cluster did not get ready: %v", err)
	}
	return s
}

// env is the environment of a user whose home this is.
func (s started) env() []string {
	env := append(os.Environ(), "HOME="+s.Home, "KUBECONFIG=", "KUBERNETES_MASTER=")
	if s.Info.URL != "" {
		env = append(env, "CA="+s.Info.CAFile, "API="+s.Info.URL)
	}
	return env
}

// stop interrupts a program and wants it to end well.
func stop(t *testing.T, up *exec.Cmd, log *bytes.Buffer) {
	t.Helper()
	if err := up.Process.Signal(syscall.SIGTERM); err != nil {
		t.Errorf("interrupt causeway up: %v", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- up.Wait() }()
	select {
	case err := <-ended:
		if err != nil {
			t.Errorf("causeway up ended with %v", err)
		}
	case <-time.After(time.Minute):
		t.Error("causeway up did not end within a minute after SIGTERM")
		_ = up.Process.Kill() // it may have ended just now
		<-ended
	}
	if t.Failed() {
		t.Logf("log of causeway up:\n%s", log)
	}
}
