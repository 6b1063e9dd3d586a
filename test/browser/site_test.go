//go:build host

package browser

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// site is a cluster that `causeway up` runs, and somebody's directory.
type site struct {
	// Home is the home and working directory; its kubeconfig leads to the cluster.
	Home string
	// Info is what `up -o json` printed.
	Info struct{ URL, DataDir, CAFile, KubernetesAuth, TokenFile string }
	// Port is that of `causeway proxy`.
	Port string
	// Login is what the administrator types when the browser asks.
	Login login
}

// newSite runs a cluster until the test ends.
func newSite(t *testing.T) *site {
	t.Helper()
	dir, err := os.MkdirTemp("", "cw") // short: etcd's sockets are below it
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	s := &site{Home: dir}
	up := s.command("causeway", "up", "-o", "json", "--node=false", "--listen", "127.0.0.1:0", "--data-dir", filepath.Join(dir, "data"))
	stdout, err := up.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	serve(t, up)
	late := time.AfterFunc(patience, func() { _ = up.Process.Kill() })
	defer late.Stop()
	if err := json.NewDecoder(stdout).Decode(&s.Info); err != nil {
		t.Fatalf("the cluster did not get ready: %v", err)
	}
	data, err := os.ReadFile(s.Info.KubernetesAuth)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &s.Login); err != nil {
		t.Fatalf("reading %s: %v", s.Info.KubernetesAuth, err)
	}
	return s
}

// command is a program as it runs here.
func (s *site) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Dir = s.Home
	cmd.Env = slices.DeleteFunc(os.Environ(), func(entry string) bool {
		return strings.HasPrefix(entry, "KUBE") || strings.HasPrefix(entry, "XDG_") || strings.HasPrefix(entry, "JUPYTER")
	})
	cmd.Env = append(cmd.Env, "HOME="+s.Home, "DATA="+s.Info.DataDir, "API="+s.Info.URL, "CA="+s.Info.CAFile)
	return cmd
}

// run runs a command to its end.
func (s *site) run(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := s.command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
}

// URL is where the API serves an application.
func (s *site) URL(namespace, service string) string {
	return s.Info.URL + "/api/v1/namespaces/" + namespace + "/services/" + service + "/proxy/"
}

// token is a token of the administrator.
func (s *site) token(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile(s.Info.TokenFile)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(data))
}

// service makes a service in the namespace default, of what listens on a port
// of this machine, and waits until the API leads to a path of it.
func (s *site) service(t *testing.T, name string, port int, path string) {
	t.Helper()
	manifest, err := os.ReadFile("../../examples/jupyter.yaml")
	if err != nil {
		t.Fatal(err)
	}
	apply := s.command("causeway", "kubectl", "apply", "-f", "-")
	apply.Stdin = strings.NewReader(strings.NewReplacer("jupyter", name, "8888", strconv.Itoa(port)).Replace(string(manifest)))
	if out, err := apply.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	s.run(t, "curl", "-sS", "--retry", "60", "--retry-all-errors", "--retry-delay", "1", "--fail-with-body", "-o", "answer",
		"--cacert", s.Info.CAFile, "-u", s.Login.User+":"+s.Login.Password, s.URL("default", name)+path)
}

// serve runs a server until the test ends. What it wrote is shown if the test
// fails.
func serve(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	var log bytes.Buffer
	cmd.Stderr = &log
	if cmd.Stdout == nil {
		cmd.Stdout = &log
	}
	cmd.WaitDelay = patience
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // it may have ended by itself
		late := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
		defer late.Stop()
		_ = cmd.Wait() // with whatever status the signal gives
		if t.Failed() {
			t.Logf("%v wrote:\n%s", cmd.Args, &log)
		}
	})
}
