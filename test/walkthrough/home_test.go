package walkthrough

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/causeway-access/causeway/internal/cluster"
)

// home is the directory of somebody who has nothing yet.
type home struct{ dir string }

// newHome makes a home. Its path is short because etcd's sockets are below it,
// and the path of a unix socket has at most 107 bytes.
func newHome(t *testing.T) home {
	t.Helper()
	dir, err := os.MkdirTemp("", "cw")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return home{dir}
}

func (h home) path(elements ...string) string {
	return filepath.Join(append([]string{h.dir}, elements...)...)
}

// data is where `causeway up` keeps everything, as command starts it.
func (h home) data(elements ...string) string {
	return h.path(append([]string{"data"}, elements...)...)
}

// command is a program as it runs in this home.
func (h home) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Dir = h.dir
	cmd.Env = h.environment()
	return cmd
}

// environment is ours without what says where our own things are.
func (h home) environment() []string {
	env := slices.DeleteFunc(os.Environ(), func(entry string) bool {
		return strings.HasPrefix(entry, "KUBE") || strings.HasPrefix(entry, "XDG_")
	})
	return append(env, "HOME="+h.dir)
}

// up is `causeway up` in this home, on a free port of the loopback interface.
func (h home) up(flags ...string) *exec.Cmd {
	args := []string{"up", "--node=false", "--data-dir", h.data(), "--listen", "127.0.0.1:0", "--output", "json"}
	return h.command("causeway", append(args, flags...)...)
}

// running is a cluster that answers.
type running struct {
	*server
	cluster.Info
	client kubernetes.Interface
}

// infoJSON is what `causeway up -o json` prints when it is ready.
var infoJSON = regexp.MustCompile(`(?s)(?:^|\n)(\{\n.*?\n\}\n)`)

// start runs cmd, which is `causeway up -o json`, until the end of the test.
func start(t *testing.T, cmd *exec.Cmd) *running {
	t.Helper()
	s, match, err := startServer(cmd, infoJSON)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if s.over() {
			return // the test ended it
		}
		if err := s.stop(); err != nil {
			t.Error(err)
		}
	})
	r := &running{server: s}
	if err := json.Unmarshal([]byte(match[1]), &r.Info); err != nil {
		t.Fatalf("reading what up printed: %v:\n%s", err, match[1])
	}
	config, err := clientcmd.BuildConfigFromFlags("", r.AdminKubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	config.QPS = -1 // no limit
	if r.client, err = kubernetes.NewForConfig(config); err != nil {
		t.Fatal(err)
	}
	return r
}

// finish runs cmd to its end and returns its exit status and what it wrote.
func finish(t *testing.T, cmd *exec.Cmd) (status int, stdout, stderr string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var out, errOut strings.Builder
	bounded := exec.CommandContext(ctx, cmd.Path, cmd.Args[1:]...)
	bounded.Dir, bounded.Env, bounded.SysProcAttr = cmd.Dir, cmd.Env, cmd.SysProcAttr
	bounded.Stdout, bounded.Stderr = &out, &errOut
	err := bounded.Run()
	if ctx.Err() != nil {
		t.Fatalf("%v did not end within %v:\n%s%s", cmd.Args, patience, &out, &errOut)
	}
	if err != nil && !errors.As(err, new(*exec.ExitError)) {
		t.Fatal(err)
	}
	return bounded.ProcessState.ExitCode(), out.String(), errOut.String()
}

// refuses has cmd end with the status and an error that holds every one of
// the wanted texts, on standard error alone.
func refuses(t *testing.T, cmd *exec.Cmd, status int, want ...string) {
	t.Helper()
	got, stdout, stderr := finish(t, cmd)
	if got != status {
		t.Errorf("exit status = %d, want %d", got, status)
	}
	if stdout != "" {
		t.Errorf("standard output = %q, want nothing", stdout)
	}
	_, message, found := strings.Cut("\n"+stderr, "\nerror: ")
	if !found {
		t.Fatalf("standard error has no line that begins with error: it is\n%s", stderr)
	}
	for _, text := range want {
		if !strings.Contains(message, text) {
			t.Errorf("the error does not say %q: it is\n%s", text, message)
		}
	}
	for _, noise := range []string{"goroutine ", "DATA RACE"} {
		if strings.Contains(stderr, noise) {
			t.Errorf("standard error has %q in it:\n%s", noise, stderr)
		}
	}
}
