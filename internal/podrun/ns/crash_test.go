//go:build linux && host

package ns

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/vishvananda/netlink"

	"github.com/causeway-access/causeway/internal/podrun"
	"github.com/causeway-access/causeway/internal/podrun/ns/cgroup"
	"github.com/causeway-access/causeway/test/inside"
)

// agentVariable makes this program an agent that dies: a task in JSON.
const agentVariable = "CAUSEWAY_TEST_AGENT"

// task is what such an agent does.
type task struct {
	Config Config
	// Die is the step before which it dies; after the last if it is too large.
	Die int
	// Steps is where it writes what it came to.
	Steps string
}

// life is the whole of a pod, from an agent's side.
func life(r *Runtime) error {
	ctx := context.Background()
	sandbox, err := r.RunSandbox(ctx, podrun.SandboxConfig{Namespace: "default", Name: "dies"})
	if err != nil {
		return err
	}
	container, err := r.CreateContainer(ctx, sandbox, podrun.ContainerConfig{
		Name: "main", Image: podrun.HostImage, Command: []string{"sh", "-c", "sleep 1000 & sleep 1000"},
		Mounts: []podrun.Mount{{Source: r.config.Root, Target: "/volume"}},
	})
	if err != nil {
		return err
	}
	return errors.Join(
		r.StartContainer(ctx, container), r.StopContainer(ctx, container, time.Minute),
		r.RemoveContainer(ctx, container), r.StopSandbox(ctx, sandbox), r.RemoveSandbox(ctx, sandbox),
	)
}

// agent does a task, and says by its exit status how it went.
func agent(text string) int {
	var t task
	err := json.Unmarshal([]byte(text), &t)
	if err != nil {
		panic(err)
	}
	r, err := New(t.Config)
	if err != nil {
		panic(err)
	}
	var steps []string
	r.step = func(name string) {
		steps = append(steps, name)
		if err := os.WriteFile(t.Steps, []byte(strings.Join(steps, "\n")), 0o600); err != nil {
			panic(err)
		}
		if len(steps) > t.Die {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
	}
	if err := life(r); err != nil {
		panic(err)
	}
	return 0
}

// runAgent returns the steps to which an agent came.
func runAgent(t *testing.T, config Config, die int) []string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "steps")
	text, err := json.Marshal(task{Config: config, Die: die, Steps: file})
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program)
	cmd.Env = append(os.Environ(), agentVariable+"="+string(text))
	out, err := cmd.CombinedOutput()
	killed := cmd.ProcessState.Sys().(syscall.WaitStatus).Signal() == syscall.SIGKILL
	if err != nil && !killed {
		t.Fatalf("the agent: %v\n%s", err, out)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(string(data), "\n")
}

// things are what a pod is made of, as this test's namespaces and control
// groups show them.
type things struct {
	Interfaces, Routes, Mounts, Groups, Processes, Files []string
}

func look(t *testing.T, config Config) things {
	t.Helper()
	var s things
	links, err := netlink.LinkList()
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range links {
		s.Interfaces = append(s.Interfaces, l.Attrs().Name)
	}
	routes, err := netlink.RouteList(nil, netlink.FAMILY_V4)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range routes {
		s.Routes = append(s.Routes, r.String())
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	s.Mounts = strings.Split(string(mounts), "\n")
	s.Processes = processes(config.CgroupParent, config.Root)
	s.Files = below(t, filepath.Join(config.Root, "pods"))
	for _, controller := range []string{"cpu", "memory", "pids", ""} {
		s.Groups = append(s.Groups, below(t, filepath.Join(cgroup.Mountpoint, controller, config.CgroupParent))...)
	}
	return s
}

// processes are those in the control groups, or with the directory.
func processes(parent, root string) []string {
	var found []string
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range dirs {
		groups, _ := os.ReadFile(filepath.Join(dir, "cgroup"))
		cwd, _ := os.Readlink(filepath.Join(dir, "cwd"))
		if strings.Contains(string(groups), "/"+parent+"/") || strings.HasPrefix(cwd, root+"/") {
			name, _ := os.ReadFile(filepath.Join(dir, "cmdline"))
			found = append(found, fmt.Sprintf("%s %q", dir, name))
		}
	}
	return found
}

func below(t *testing.T, dir string) []string {
	t.Helper()
	var found []string
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err == nil && path != dir && (e.IsDir() || strings.Contains(path, "/pods/")) {
			found = append(found, path)
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestNothingIsLeftWhereverTheAgentDies(t *testing.T) {
	if !inside.Namespaces(t) {
		return
	}
	config := testConfig(t)
	open(t, config).Close()
	before := look(t, config)
	steps := runAgent(t, config, 1000)
	if diff := cmp.Diff(before, look(t, config)); diff != "" {
		t.Fatalf("an agent that did not die left (-before +after):\n%s", diff)
	}
	if len(steps) < 20 {
		t.Fatalf("there are only %d steps: %q", len(steps), steps)
	}
	for i, step := range steps {
		got := runAgent(t, config, i)
		if got[len(got)-1] != step {
			t.Fatalf("step %d is %q, was %q", i, got[len(got)-1], step)
		}
		adopt(t, config, step)
		var diff string
		for end := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
			// An init process that nobody has told what to do ends by itself, a
			// moment later; and the kernel cleans networks in the background.
			if diff = cmp.Diff(before, look(t, config)); diff == "" || time.Now().After(end) {
				break
			}
		}
		if diff != "" {
			t.Fatalf("an agent that died before %q left (-before +after):\n%s", step, diff)
		}
	}
}

// adopt is the next agent: it finds what there is, and removes it.
func adopt(t *testing.T, config Config, died string) {
	t.Helper()
	r, err := New(config)
	if err != nil {
		t.Fatalf("after the death before %q: %v", died, err)
	}
	defer r.Close()
	list, err := r.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if died == "started" {
		if len(list) != 1 || !list[0].Ready || len(list[0].Containers) != 1 || list[0].Containers[0].State != podrun.Running {
			t.Errorf("after the death before %q: %+v, want a container that runs", died, list)
		}
	}
	for _, s := range list {
		if err := r.RemoveSandbox(t.Context(), s.ID); err != nil {
			t.Errorf("after the death before %q: %v", died, err)
		}
	}
}
