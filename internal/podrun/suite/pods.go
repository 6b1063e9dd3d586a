package suite

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/causeway-access/causeway/internal/podrun"
)

// forks makes as many processes as it can.
const forks = `
import os, time
while True:
    try:
        os.fork()
    except OSError:
        print("held", flush=True)
        time.sleep(0.2)`

func testForkBomb(t *testing.T, p *pod) {
	held := sandbox(t, p.Runtime, p.image, podrun.SandboxConfig{Name: "bomb", Resources: podrun.Resources{Processes: 100}})
	id := held.start("", func(c *podrun.ContainerConfig) { c.Command, c.Args = []string{"python3", "-c", forks}, nil })
	eventually(t, "it is held", func() bool { return strings.Contains(held.log(), "held") })
	equal(t, "another pod meanwhile", p.run("echo works"), "works\n")
	if err := held.StopContainer(t.Context(), id, 0); err != nil {
		t.Fatal(err)
	}
	if c := held.find(id); c.State != podrun.Exited || c.ExitCode != 137 {
		t.Errorf("after it was ended: %+v", c)
	}
	equal(t, "the same pod after it", held.run("echo works"), "works\n")
}

func testSequence(t *testing.T, p *pod) {
	dir := t.TempDir()
	var ids []string
	for _, step := range []struct{ name, script string }{
		{"first", "echo first > /work/list"},
		{"second", "echo second >> /work/list"},
		{"main", "cat /work/list; sleep 1000"},
	} {
		id := p.start(step.script, func(c *podrun.ContainerConfig) {
			c.Name, c.Attempt, c.Mounts = step.name, 0, []podrun.Mount{{Source: dir, Target: "/work"}}
		})
		ids = append(ids, id)
		if step.name == "main" {
			break
		}
		if c := p.wait(id); c.ExitCode != 0 {
			t.Errorf("%s: %+v", step.name, c)
		}
	}
	eventually(t, "the last one has written", func() bool { return p.log() == "first\nsecond\n" })
	var got, states []string
	for _, id := range ids {
		c := p.find(id)
		got, states = append(got, c.Config.Name), append(states, string(c.State))
	}
	if diff := cmp.Diff([]string{"first", "second", "main"}, got); diff != "" {
		t.Errorf("the containers (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"Exited", "Exited", "Running"}, states); diff != "" {
		t.Errorf("their states (-want +got):\n%s", diff)
	}
	list, err := p.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var listed []string
	for _, s := range list {
		for _, c := range s.Containers {
			listed = append(listed, c.ID)
		}
	}
	if diff := cmp.Diff(ids, listed); diff != "" {
		t.Errorf("the order of the list (-want +got):\n%s", diff)
	}
}

func testLongNames(t *testing.T, p *pod) {
	name := strings.Repeat("long-name.", 25) + "end" // 253, as much as a name may have
	long := sandbox(t, p.Runtime, p.image, podrun.SandboxConfig{Name: name})
	got := long.run("hostname", func(c *podrun.ContainerConfig) { c.Name = strings.Repeat("c", 63) })
	equal(t, "its host name", got, name[:63]+"\n")
	list, err := p.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range list {
		if s.ID == long.id && s.Config.Name != name {
			t.Errorf("the pod's name is %q", s.Config.Name)
		}
	}
}

func testNoSandbox(t *testing.T, p *pod) {
	config := podrun.SandboxConfig{Namespace: "default", Name: "never", UID: "uid-never", Sysctls: map[string]string{"net.ipv4.no_such_setting": "1"}}
	if id, err := p.RunSandbox(t.Context(), config); err == nil {
		t.Errorf("a pod with a setting that the kernel does not have was made: %s", id)
	}
	list, err := p.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(list) != 1 || list[0].ID != p.id {
		t.Errorf("there is: %+v", list)
	}
	// Its name is not taken.
	sandbox(t, p.Runtime, p.image, podrun.SandboxConfig{Name: "never"})
}
