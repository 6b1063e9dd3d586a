package conformance

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"k8s.io/client-go/tools/clientcmd"
)

// kubectl is one program of that name.
type kubectl struct {
	// name is its version, or "embedded".
	name string
	// minor is the N of version 1.N; the embedded one is newer than all rows ask for.
	minor int
	// path is the program; a link to it named kubectl is put into PATH.
	path string
}

// expected are the minor versions whose absence is reported.
var expected = []int{27, 28, 29, 30, 31, 32, 33}

// findKubectls returns the embedded kubectl and, by the file of the one in
// PATH, those installed beside it as kubectl.1.N; if there are none, the one in
// PATH itself. Missing says which expected versions are not among them.
func findKubectls(t *testing.T) (found []kubectl, missing []int) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	found = append(found, kubectl{name: "embedded", minor: 99, path: self})
	versions := map[int]kubectl{}
	if path, err := exec.LookPath("kubectl"); err == nil {
		if path, err = filepath.EvalSymlinks(path); err != nil {
			t.Fatal(err)
		}
		beside, _ := filepath.Glob(filepath.Join(filepath.Dir(path), "kubectl.1.*"))
		for _, file := range beside {
			if minor, err := strconv.Atoi(strings.TrimPrefix(filepath.Base(file), "kubectl.1.")); err == nil {
				versions[minor] = kubectl{name: fmt.Sprintf("1.%d", minor), minor: minor, path: file}
			}
		}
		if len(versions) == 0 {
			one := kubectlOf(t, path)
			versions[one.minor] = one
		}
	}
	for _, minor := range slices.Sorted(maps.Keys(versions)) {
		found = append(found, versions[minor])
	}
	for _, minor := range expected {
		if _, ok := versions[minor]; !ok {
			missing = append(missing, minor)
		}
	}
	return found, missing
}

var minorPattern = regexp.MustCompile(`"minor": "(\d+)`)

// kubectlOf asks a kubectl which one it is.
func kubectlOf(t *testing.T, path string) kubectl {
	t.Helper()
	out, err := exec.Command(path, "version", "--client", "-o", "json").Output()
	match := minorPattern.FindSubmatch(out)
	if err != nil || match == nil {
		t.Fatalf("%s does not tell its version: %v\n%s", path, err, out)
	}
	minor, err := strconv.Atoi(string(match[1]))
	if err != nil {
		t.Fatal(err)
	}
	return kubectl{name: fmt.Sprintf("1.%d", minor), minor: minor, path: path}
}

// bin makes a directory to put into PATH: kubectl is the one to be tested,
// causeway is this test binary.
func (k kubectl) bin(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for name, target := range map[string]string{"kubectl": k.path, "causeway": self} {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// desk is where the commands of one story are typed.
type desk struct {
	namespace string
	dir       string
	env       []string
}

// newDesk makes a namespace and a kubeconfig that has it as its default. The
// home is shared by the stories of one kubectl: it keeps what it discovered there.
func newDesk(t *testing.T, bin, home string) *desk {
	t.Helper()
	d := &desk{namespace: shared.Namespace(t), dir: t.TempDir()}
	config, err := clientcmd.LoadFromFile(shared.Kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	config.Contexts[config.CurrentContext].Namespace = d.namespace
	file := filepath.Join(d.dir, "kubeconfig")
	if err := clientcmd.WriteToFile(*config, file); err != nil {
		t.Fatal(err)
	}
	d.env = append(os.Environ(),
		"PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"), "HOME="+home, "KUBECONFIG="+file,
		"NS="+d.namespace, "DIR="+d.dir, "URL="+shared.URL, "CA="+shared.CAFile, "TOKEN="+shared.Token,
		// Whatever the person who runs the tests has set for himself.
		"LC_ALL=C", "KUBE_EDITOR=", "KUBECTL_EXTERNAL_DIFF=", "NO_PROXY=127.0.0.1", "no_proxy=127.0.0.1")
	return d
}

// result is what a command left.
type result struct {
	out, err string
	code     int
}

// commandTimeout ends a command that waits for what does not come.
const commandTimeout = 90 * time.Second

// sh runs a command line by the shell, with input, and with all that it started
// ended when it ends or takes too long.
func (d *desk) sh(t *testing.T, line, input string) result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), commandTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", line)
	cmd.Env, cmd.Stdin = d.env, strings.NewReader(d.expand(input))
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); err != nil && (!errors.As(err, &exit) || ctx.Err() != nil) {
		t.Fatalf("%s\n%v (%v)\nstdout: %s\nstderr: %s", line, err, ctx.Err(), &out, &errs)
	}
	return result{out: out.String(), err: errs.String(), code: cmd.ProcessState.ExitCode()}
}

// expand puts the namespace of the story into a manifest.
func (d *desk) expand(text string) string { return strings.ReplaceAll(text, "$NS", d.namespace) }
