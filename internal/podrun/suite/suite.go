// Package suite says how a runtime of pods behaves, by tests that each of them
// passes.
//
// It is of floor 1, and for tests alone.
package suite

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/causeway-access/causeway/internal/podrun"
	"github.com/causeway-access/causeway/internal/podrun/crilog"
)

// Subject is the runtime that is tested.
type Subject struct {
	podrun.Runtime
	// Image is one that has a shell, the usual tools, and python3.
	Image string
	// Again closes the runtime and returns another of the same pods, as a new
	// agent has it. From then on that one is tested.
	Again func(t *testing.T) podrun.Runtime
	// Ordinary is set for the runtime of an ordinary user: it has no users but
	// 0, and limits and counts nothing.
	Ordinary bool
}

// Run tests all of it.
func Run(t *testing.T, subject Subject) {
	for _, test := range []struct {
		name string
		f    func(*testing.T, *pod)
	}{
		{"a program's output, end and status are told", testOutput},
		{"a program has the environment, directory, names and hosts it was given", testSurroundings},
		{"what cannot be started says why", testCannotStart},
		{"volumes are there, and read-only where they are to be", testMounts},
		{rights, testSecurity},
		{"stopping is graceful at first", testStop},
		{"commands run in a container", testExec},
		{"a command has a terminal", testTerminal},
		{"a command ends with who asked for it", testExecCancelled},
		{"who attaches talks to the program", testAttach},
		{"a port of a pod is reached", testDial},
		{"pods reach each other, and containers of a pod by loopback", testNetwork},
		{"the node's processes are seen where that is asked for", testHostNamespaces},
		{limits, testLimits},
		{bomb, testForkBomb},
		{"containers that are run one after the other see what the one before has done", testSequence},
		{"names are as long as the API lets them be", testLongNames},
		{"of a pod that cannot be made nothing is left", testNoSandbox},
		{"nothing of a container goes on after it", testLeftovers},
		{"a new agent finds everything", func(t *testing.T, p *pod) { testAgain(t, p, &subject) }},
		{counts, testStats},
		{"what containers write is counted, and what they had from the node is not", testWritten},
		{"what is not there is no error to stop or remove", testAbsent},
	} {
		if subject.Ordinary && ofRoot[test.name] {
			continue
		}
		t.Run(test.name, func(t *testing.T) { test.f(t, newPod(t, subject)) })
	}
	if subject.Ordinary {
		t.Run("an ordinary user's pods have what he can give them", func(t *testing.T) { testOrdinary(t, newPod(t, subject)) })
	}
}

// ofRoot are the tests of what only root's runtime can do; for that of an
// ordinary user there is another one instead.
var ofRoot = map[string]bool{rights: true, limits: true, bomb: true, counts: true}

const (
	rights = "a program has the user, groups and rights it was given, and no more"
	limits = "limits hold"
	bomb   = "a pod that makes ever more processes is held, and ended"
	counts = "what is used is counted"
)

// pod is a sandbox of a test, removed at its end.
type pod struct {
	podrun.Runtime
	t     *testing.T
	id    string
	image string
	logs  string
	count uint32
}

func newPod(t *testing.T, subject Subject) *pod {
	t.Helper()
	return sandbox(t, subject.Runtime, subject.Image, podrun.SandboxConfig{Name: "web-0", Hostname: "web"})
}

func sandbox(t *testing.T, r podrun.Runtime, image string, config podrun.SandboxConfig) *pod {
	t.Helper()
	config.Namespace, config.UID = "default", "uid-"+config.Name
	id, err := r.RunSandbox(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	p := &pod{Runtime: r, t: t, id: id, image: image, logs: t.TempDir()}
	t.Cleanup(func() {
		if err := p.RemoveSandbox(context.Background(), id); err != nil {
			t.Error(err)
		}
	})
	return p
}

// config is of a container that runs a script.
func (p *pod) config(script string, more ...func(*podrun.ContainerConfig)) podrun.ContainerConfig {
	p.count++
	config := podrun.ContainerConfig{
		Name: "main", Attempt: p.count, Image: p.image, Command: []string{"sh", "-c"}, Args: []string{script},
		LogPath: filepath.Join(p.logs, "log"),
	}
	for _, m := range more {
		m(&config)
	}
	return config
}

// create prepares a container that runs a script.
func (p *pod) create(script string, more ...func(*podrun.ContainerConfig)) string {
	p.t.Helper()
	id, err := p.CreateContainer(p.t.Context(), p.id, p.config(script, more...))
	if err != nil {
		p.t.Fatal(err)
	}
	return id
}

// start runs a script.
func (p *pod) start(script string, more ...func(*podrun.ContainerConfig)) string {
	p.t.Helper()
	id := p.create(script, more...)
	if err := p.StartContainer(p.t.Context(), id); err != nil {
		p.t.Fatal(err)
	}
	return id
}

// wait returns a container that has ended.
func (p *pod) wait(id string) podrun.Container {
	p.t.Helper()
	c, err := p.Wait(p.t.Context(), id)
	if err != nil {
		p.t.Fatal(err)
	}
	return c
}

// run runs a script to its end and returns what it wrote, which is its own log.
func (p *pod) run(script string, more ...func(*podrun.ContainerConfig)) string {
	p.t.Helper()
	os.Remove(filepath.Join(p.logs, "log"))
	p.wait(p.start(script, more...))
	return p.log()
}

// log is all that was written until now, without times.
func (p *pod) log() string {
	p.t.Helper()
	data, err := os.ReadFile(filepath.Join(p.logs, "log"))
	if err != nil {
		p.t.Fatal(err)
	}
	var text strings.Builder
	for line := range strings.Lines(string(data)) {
		l, err := crilog.Parse([]byte(line))
		if err != nil {
			p.t.Fatalf("%q: %v", line, err)
		}
		if l.Stream == crilog.Stderr {
			text.WriteString("stderr: ")
		}
		text.Write(l.Text)
	}
	return text.String()
}

// exec runs a script in a container and returns what it wrote.
func (p *pod) exec(id, script string) (string, int) {
	p.t.Helper()
	var out strings.Builder
	code, err := p.Exec(p.t.Context(), id, podrun.Command{Args: []string{"sh", "-c", script}}, podrun.Stdio{Stdout: &out, Stderr: &out})
	if err != nil {
		p.t.Fatal(err)
	}
	return out.String(), code
}

// eventually waits until f is true, however slow the machine is.
func eventually(t *testing.T, what string, f func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !f(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("it never came that %s", what)
		}
	}
}

func equal(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %q, want %q", what, got, want)
	}
}

func contains(t *testing.T, what, got string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(got, part) {
			t.Errorf("%s: %q is not in\n%s", what, part, got)
		}
	}
}
