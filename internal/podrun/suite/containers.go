package suite

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/causeway-access/causeway/internal/podrun"
	"github.com/causeway-access/causeway/internal/podrun/disk"
)

func testOutput(t *testing.T, p *pod) {
	id := p.create("echo one; echo two >&2; printf three; exit 3")
	if c := p.find(id); c.State != podrun.Created || c.Config.Name != "main" {
		t.Errorf("before the start: %+v", c)
	}
	if err := p.StartContainer(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	c := p.wait(id)
	if c.State != podrun.Exited || c.ExitCode != 3 || c.Reason != podrun.ReasonError {
		t.Errorf("after the end: %+v", c)
	}
	if c.Started.IsZero() || c.Finished.Before(c.Started) || c.ImageID == "" {
		t.Errorf("its times: %+v", c)
	}
	contains(t, "log", p.log(), "one\n", "stderr: two\n", "three")
	if err := p.StartContainer(t.Context(), id); err == nil {
		t.Error("a container was started twice")
	}
	if c := p.wait(p.start("true")); c.ExitCode != 0 || c.Reason != podrun.ReasonCompleted {
		t.Errorf("a program that succeeds: %+v", c)
	}
	if c := p.wait(p.start("kill -9 $$")); c.ExitCode != 137 || c.Reason != podrun.ReasonError {
		t.Errorf("a program that is killed: %+v", c)
	}
	if err := p.RemoveContainer(t.Context(), id); err != nil {
		t.Error(err)
	}
	if c := p.find(id); c.ID != "" {
		t.Errorf("after it was removed: %+v", c)
	}
	contains(t, "log of what was removed", p.log(), "one\n")
}

// find is a container as List tells of it; the zero one if it does not.
func (p *pod) find(id string) podrun.Container {
	p.t.Helper()
	list, err := p.List(p.t.Context())
	if err != nil {
		p.t.Fatal(err)
	}
	for _, s := range list {
		for _, c := range s.Containers {
			if c.ID == id {
				return c
			}
		}
	}
	return podrun.Container{}
}

func testSurroundings(t *testing.T, p *pod) {
	got := p.run(`pwd; env | grep -c ^A=; echo $A:$B; echo $HOME; hostname; grep -c web /etc/hosts; cat /etc/hostname; test -c /dev/null && echo null`,
		func(c *podrun.ContainerConfig) {
			c.Dir, c.Env = "/srv/made/here", []string{"A=first", "B=2", "A=last"}
		})
	equal(t, "what it sees", got, "/srv/made/here\n1\nlast:2\n/root\nweb\n1\nweb\nnull\n")
	id := p.start("sleep 1000", func(c *podrun.ContainerConfig) { c.Env = []string{"A=again"} })
	out, _ := p.exec(id, "echo $A; echo $$ > /dev/null; touch /written; ls /written")
	equal(t, "what a command sees", out, "again\n/written\n")
	equal(t, "what another container sees", p.run("ls /written 2>/dev/null || echo nothing"), "nothing\n")
}

func testCannotStart(t *testing.T, p *pod) {
	number := int64(0)
	for _, test := range []struct {
		name, want string
		change     func(*podrun.ContainerConfig)
	}{
		{"program", "no-such-program", func(c *podrun.ContainerConfig) { c.Command = []string{"no-such-program"} }},
		{"path", "no such file", func(c *podrun.ContainerConfig) { c.Command = []string{"/no/such"} }},
		{"directory", "permission denied", func(c *podrun.ContainerConfig) { c.Command = []string{"/etc"} }},
		{"volume", "/no/such/source", func(c *podrun.ContainerConfig) {
			c.Mounts = []podrun.Mount{{Source: "/no/such/source", Target: "/x"}}
		}},
		{"capability", "WONDERS", func(c *podrun.ContainerConfig) {
			c.Security = podrun.Security{User: &number, AddCapabilities: []string{"WONDERS"}}
		}},
	} {
		id, err := p.CreateContainer(t.Context(), p.id, p.config("true", test.change))
		created := err == nil
		if created {
			err = p.StartContainer(t.Context(), id)
		}
		if !errors.Is(err, podrun.ErrCannotStart) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want ErrCannotStart with %q", test.name, err, test.want)
		}
		if !created {
			continue
		}
		if c := p.wait(id); c.ExitCode != 128 || c.Reason != podrun.ReasonStartError || !strings.Contains(c.Message, test.want) {
			t.Errorf("%s: %+v", test.name, c)
		}
	}
	_, err := p.CreateContainer(t.Context(), p.id, podrun.ContainerConfig{Name: "x", Image: "registry.example/no/such:1"})
	if !errors.Is(err, podrun.ErrNotFound) {
		t.Errorf("an image that is not here: %v", err)
	}
}

func testMounts(t *testing.T, p *pod) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "file"), []byte("content\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	got := p.run(`cat /volumes/all/file /etc/one; echo new > /volumes/all/made; echo new 2>&1 > /volumes/fixed/no || echo refused`,
		func(c *podrun.ContainerConfig) {
			c.Mounts = []podrun.Mount{
				{Source: dir, Target: "/volumes/all"},
				{Source: dir, Target: "/volumes/fixed", ReadOnly: true},
				{Source: filepath.Join(dir, "file"), Target: "/etc/one"},
			}
		})
	contains(t, "log", got, "content\ncontent\n", "refused\n")
	made, err := os.ReadFile(filepath.Join(dir, "made"))
	equal(t, "what it wrote", string(made), "new\n")
	if err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "no")); err == nil {
		t.Error("a read-only volume was written")
	}
}

func testSecurity(t *testing.T, p *pod) {
	const status = `awk '/^(Uid|Gid|Groups|CapBnd|CapEff|NoNewPrivs|Seccomp):/ {print $1, $2, $3}' /proc/self/status`
	user, group := int64(12345), int64(54321)
	got := p.run(status, func(c *podrun.ContainerConfig) {
		c.Security = podrun.Security{User: &user, Group: &group, Groups: []int64{777}, NoNewPrivileges: true, DropCapabilities: []string{"ALL"}, AddCapabilities: []string{"CHOWN"}}
	})
	contains(t, "of an ordinary user", got, "Uid: 12345 12345\n", "Gid: 54321 54321\n", "Groups: 777 54321\n",
		"CapEff: 0000000000000000", "CapBnd: 0000000000000001", "NoNewPrivs: 1", "Seccomp: 2")
	contains(t, "of root", p.run(status), "Uid: 0 0\n", "CapEff: 00000000a80425fb", "NoNewPrivs: 0", "Seccomp: 2")
	got = p.run(`mount -t tmpfs none /mnt 2>/dev/null || echo no mount; unshare -U true 2>/dev/null || echo no namespace
		echo 1 2>/dev/null > /proc/sys/kernel/sysrq || echo no sysctl; date`)
	contains(t, "what root must not", got, "no mount\n", "no namespace\n", "no sysctl\n")
	got = p.run(`touch /etc/x 2>/dev/null || echo fixed; touch /dev/shm/x && echo memory`, func(c *podrun.ContainerConfig) { c.Security.ReadOnlyRoot = true })
	equal(t, "a read-only root", got, "fixed\nmemory\n")
	got = p.run("mount -t tmpfs none /mnt && echo mounted", func(c *podrun.ContainerConfig) { c.Security.Privileged = true })
	equal(t, "a privileged container", got, "mounted\n")
}

func testStop(t *testing.T, p *pod) {
	polite := p.start("trap 'echo bye; exit 7' TERM; echo ready; while :; do sleep 0.05; done")
	eventually(t, "it is ready", func() bool { return strings.Contains(p.log(), "ready") })
	if err := p.StopContainer(t.Context(), polite, time.Minute); err != nil {
		t.Fatal(err)
	}
	if c := p.find(polite); c.State != podrun.Exited || c.ExitCode != 7 {
		t.Errorf("a polite program: %+v", c)
	}
	stubborn := p.start("trap '' TERM; echo deaf; while :; do sleep 1000; done")
	eventually(t, "it is deaf", func() bool { return strings.Contains(p.log(), "deaf") })
	if err := p.StopContainer(t.Context(), stubborn, 50*time.Millisecond); err != nil {
		t.Fatal(err)
	}
	if c := p.find(stubborn); c.State != podrun.Exited || c.ExitCode != 137 {
		t.Errorf("a stubborn program: %+v", c)
	}
	if err := p.StopContainer(t.Context(), stubborn, time.Minute); err != nil {
		t.Errorf("stopping what has stopped: %v", err)
	}
}

func testLimits(t *testing.T, p *pod) {
	// A little, so that what the runtime itself has in a pod is the larger part:
	// it does not end in the place of its containers.
	const limit = 20 << 20
	whole := sandbox(t, p.Runtime, p.image, podrun.SandboxConfig{Name: "limited", Resources: podrun.Resources{Memory: limit}})
	for _, in := range []*pod{p, whole} {
		hog := in.start("", func(c *podrun.ContainerConfig) {
			c.Command, c.Args = []string{"python3", "-c", "x = bytearray(512 << 20)"}, nil
			c.Resources.Memory = limit
		})
		if c := in.wait(hog); c.ExitCode != 137 || c.Reason != podrun.ReasonOOMKilled {
			t.Errorf("a program that takes too much memory: %+v", c)
		}
	}
	if got := whole.run("echo it goes on"); got != "it goes on\n" {
		t.Errorf("after that in the pod: %q", got)
	}
	// The runtime's own helper needs some to start it.
	got := p.run("n=0; while [ $n -lt 100 ]; do sleep 1000 & n=$((n+1)); done; echo all", func(c *podrun.ContainerConfig) {
		c.Resources.Processes = 40
	})
	if strings.Contains(got, "all\n") {
		t.Errorf("a program made more processes than it may: %s", got)
	}
	p.run("true", func(c *podrun.ContainerConfig) {
		c.Resources = podrun.Resources{MilliCPU: 100, CPUShares: 102}
	})
}

func testLeftovers(t *testing.T, p *pod) {
	stays := p.start("sleep 1000")
	p.wait(p.start("setsid sleep 4321 & exit 0"))
	out, _ := p.exec(stays, "ps -eo args | grep -c '^sleep 4321'; ps -eo args | grep -c '^sleep 1000'")
	equal(t, "what is left", out, "0\n1\n")
}

func testAgain(t *testing.T, p *pod, subject *Subject) {
	id := p.start("echo before; while read line; do echo got $line; done", func(c *podrun.ContainerConfig) {
		c.Stdin, c.Annotations = true, map[string]string{"hash": "1"}
	})
	list, err := p.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	subject.Runtime = subject.Again(t)
	p.Runtime = subject.Runtime
	again, err := p.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(list) != len(again) || !again[0].Ready || len(again[0].IPs) != len(list[0].IPs) {
		t.Fatalf("before: %+v\nafter: %+v", list, again)
	}
	if c := p.find(id); c.State != podrun.Running || c.Config.Annotations["hash"] != "1" {
		t.Errorf("the container: %+v", c)
	}
	out, code := p.exec(id, "echo inside; exit 4")
	if out != "inside\n" || code != 4 {
		t.Errorf("a command of the new agent: %q, %d", out, code)
	}
	if err := p.StopContainer(context.Background(), id, 0); err != nil {
		t.Error(err)
	}
	if c := p.wait(id); c.ExitCode != 137 {
		t.Errorf("its end: %+v", c)
	}
}

func testStats(t *testing.T, p *pod) {
	p.start("x=0; while :; do x=$((x+1)); done")
	eventually(t, "its use of the processor and memory shows", func() bool {
		s, err := p.Stats(t.Context(), p.id)
		if err != nil {
			t.Fatal(err)
		}
		main := s.Containers["main"]
		return main.CPU > 0 && main.Memory > 0 && main.Processes > 0 && s.CPU >= main.CPU
	})
}

func testWritten(t *testing.T, p *pod) {
	const size = 3 << 20
	volume := t.TempDir()
	script := func(to string) string { return "head -c 3145728 /dev/zero > " + to + "/written; sleep 1000" }
	own := p.start(script("/var"), func(c *podrun.ContainerConfig) { c.Name = "own" })
	elsewhere := p.start(script("/volume"), func(c *podrun.ContainerConfig) {
		c.Name, c.Mounts, c.LogPath = "elsewhere", []podrun.Mount{{Source: volume, Target: "/volume"}}, ""
	})
	var all map[string]disk.Use
	counted := func() bool {
		var err error
		if all, err = p.Written(t.Context(), p.id); err != nil {
			t.Fatal(err)
		}
		return all[own].Bytes >= size
	}
	eventually(t, "what was written is counted", counted)
	if use := all[own]; use.Bytes > 2*size || use.Inodes < 1 {
		t.Errorf("of 3 MiB that were written it counts %+v", use)
	}
	if use := all[elsewhere]; use.Bytes >= size {
		t.Errorf("what was written into a volume is counted: %+v", use)
	}
	if _, err := p.Written(t.Context(), "nosuch"); !errors.Is(err, podrun.ErrNotFound) {
		t.Errorf("of what is not there: %v", err)
	}
}

func testAbsent(t *testing.T, p *pod) {
	ctx := t.Context()
	err := errors.Join(
		p.StopSandbox(ctx, "nosuch"), p.RemoveSandbox(ctx, "nosuch"),
		p.StopContainer(ctx, "nosuch.main.0", 0), p.RemoveContainer(ctx, "nosuch.main.0"),
		p.RemoveContainer(ctx, p.id+".other.0"), p.RemoveImage(ctx, "registry.example/no/such:1"),
	)
	if err != nil {
		t.Error(err)
	}
	if _, err := p.Wait(ctx, "nosuch.main.0"); !errors.Is(err, podrun.ErrNotFound) {
		t.Errorf("waiting for it: %v", err)
	}
	id := p.start("sleep 1000")
	if err := errors.Join(p.StopSandbox(ctx, p.id), p.StopSandbox(ctx, p.id)); err != nil {
		t.Error(err)
	}
	if c := p.find(id); c.State != podrun.Exited || c.ExitCode != 137 || c.Reason != podrun.ReasonUnknown && c.Reason != podrun.ReasonError {
		t.Errorf("a container of a sandbox that was stopped: %+v", c)
	}
	if _, err := p.CreateContainer(ctx, p.id, podrun.ContainerConfig{Name: "x", Image: p.image}); !errors.Is(err, podrun.ErrNotReady) {
		t.Errorf("a container in it: %v", err)
	}
}
