package cri

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	pb "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/causeway-access/causeway/internal/podrun"
)

// crioRuntime is one whose runtime is as strict as CRI-O.
func crioRuntime(t *testing.T) (*Runtime, *crioFake) {
	t.Helper()
	f := &crioFake{sandboxes: map[string]*pb.PodSandboxConfig{}, made: map[string]*pb.CreateContainerRequest{}, images: map[string][]string{}}
	config := Config{Endpoint: f.serveAs(t, f), Root: t.TempDir(), LogDir: "/var/lib/causeway/node/logs"}
	r, err := New(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r, f
}

// TestPodsAreWithinWhatCRIOTakes has pods of all sorts made, used and ended.
func TestPodsAreWithinWhatCRIOTakes(t *testing.T) {
	group := int64(7)
	for name, test := range map[string]struct {
		sandbox   podrun.SandboxConfig
		container podrun.ContainerConfig
	}{
		"plain":         {},
		"limited":       {podrun.SandboxConfig{Resources: podrun.Resources{Memory: 64 << 20, Processes: 10}}, podrun.ContainerConfig{Resources: podrun.Resources{Memory: 64 << 20, Processes: 10}}},
		"privileged":    {podrun.SandboxConfig{Privileged: true, HostNetwork: true, HostPID: true}, podrun.ContainerConfig{Security: podrun.Security{Privileged: true}}},
		"added to look": {podrun.SandboxConfig{}, podrun.ContainerConfig{Security: podrun.Security{Privileged: true}}},
		"of a group":    {podrun.SandboxConfig{}, podrun.ContainerConfig{Security: podrun.Security{Group: &group, AddCapabilities: []string{"ALL"}}}},
		"with volumes":  {podrun.SandboxConfig{}, podrun.ContainerConfig{Mounts: []podrun.Mount{{Source: t.TempDir(), Target: "/data"}}}},
	} {
		t.Run(name, func(t *testing.T) {
			r, f := crioRuntime(t)
			ctx := t.Context()
			image, err := r.PullImage(ctx, "team/tools", podrun.Auth{})
			if err != nil {
				t.Fatal(err)
			}
			test.sandbox.Name, test.sandbox.Namespace, test.sandbox.UID = "web", "default", "1"
			sandbox, err := r.RunSandbox(ctx, test.sandbox)
			if err != nil {
				t.Fatal(err)
			}
			test.container.Name, test.container.Image = "main", "team/tools"
			test.container.LogPath = filepath.Join(r.config.LogDir, "default_web_1", "main", "0.log")
			container, err := r.CreateContainer(ctx, sandbox, test.container)
			if err != nil {
				t.Fatal(err)
			}
			made := f.made[container].GetConfig()
			if got, want := made.GetImage().GetImage(), image.ID; got != want {
				t.Errorf("it is made of %s, want %s", got, want)
			}
			want := map[string]string{
				labelAgent: agent(r.config.Root), "io.kubernetes.container.name": "main",
				"io.kubernetes.pod.name": "web", "io.kubernetes.pod.namespace": "default", "io.kubernetes.pod.uid": "1",
			}
			if d := cmp.Diff(want, made.GetLabels()); d != "" {
				t.Errorf("labels (-want +got):\n%s", d)
			}
			for range 2 { // the second time there is nothing
				if err := errors.Join(r.RemoveContainer(ctx, container), r.StopSandbox(ctx, sandbox), r.RemoveSandbox(ctx, sandbox)); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// TestSessionsAreWithinWhatCRIOTakes has commands executed with all
// combinations of streams.
func TestSessionsAreWithinWhatCRIOTakes(t *testing.T) {
	r, f := crioRuntime(t)
	for _, tty := range []bool{false, true} {
		f.run("main")
		for streams := range 8 {
			var stdio podrun.Stdio
			if streams&1 != 0 {
				stdio.Stdin = strings.NewReader("")
			}
			if streams&2 != 0 {
				stdio.Stdout = io.Discard
			}
			if streams&4 != 0 {
				stdio.Stderr = io.Discard
			}
			_, err := r.Exec(t.Context(), "main", podrun.Command{Args: []string{"true"}, TTY: tty}, stdio)
			for what, err := range map[string]error{"exec": err, "attach": r.Attach(t.Context(), "main", stdio)} {
				if err == nil || !strings.Contains(err.Error(), "taken, but") {
					t.Errorf("%s with streams %03b, terminal %v: %v", what, streams, tty, err)
				}
			}
		}
	}
}

func TestImagesAreAskedForAsCRIOKnowsThem(t *testing.T) {
	r, f := crioRuntime(t)
	for _, name := range []string{"tools", "team/tools:1", "registry.example/tools@sha256:" + strings.Repeat("a", 64), "localhost:5000/tools"} {
		if _, err := r.image(t.Context(), name); !errors.Is(err, podrun.ErrNotFound) {
			t.Errorf("%s is not here: %v", name, err)
		}
		image, err := r.PullImage(t.Context(), name, podrun.Auth{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if again, err := r.image(t.Context(), image.ID); err != nil || again.ID != image.ID { // which has no algorithm
			t.Errorf("by its ID %s: %v, %v", image.ID, again, err)
		}
		if err := r.RemoveImage(t.Context(), name); err != nil {
			t.Errorf("removing %s: %v", name, err)
		}
	}
	if len(f.images) > 0 {
		t.Errorf("there are still %v", f.images)
	}
}

// Where events are switched off the stream of them ends at once, which is no
// reason to ask for it all the time, nor to miss an end.
func TestEndsAreSeenWithoutCRIOsEvents(t *testing.T) {
	r, f := crioRuntime(t)
	if err := r.ends.hearOnce(t.Context(), r.runtime); !errors.Is(err, io.EOF) {
		t.Errorf("the stream ends with %v", err)
	}
	f.run("main")
	ended := waiting(r, "main")
	f.end("main", 3)
	if c := <-ended; c.State != podrun.Exited || c.ExitCode != 3 {
		t.Errorf("it has ended: %+v", c)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r.ends.hear(ctx, r.runtime)
}

// CRI-O before 1.28 does not say whose control groups are; by its own settings
// they are systemd's, and then no other parent is taken.
func TestControlGroupsAreSystemdsWhereCRIODoesNotSay(t *testing.T) {
	f := &oldCRIO{crioFake{sandboxes: map[string]*pb.PodSandboxConfig{}}}
	r, err := New(t.Context(), Config{Endpoint: f.serveAs(t, f), Root: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := r.RunSandbox(t.Context(), podrun.SandboxConfig{Name: "web", Namespace: "default", UID: "1"}); err != nil {
		t.Error(err)
	}
}

// oldCRIO does not know of RuntimeConfig.
type oldCRIO struct{ crioFake }

func (*oldCRIO) RuntimeConfig(ctx context.Context, request *pb.RuntimeConfigRequest) (*pb.RuntimeConfigResponse, error) {
	return pb.UnimplementedRuntimeServiceServer{}.RuntimeConfig(ctx, request)
}

// A container's group is called otherwise by CRI-O, where groups are ours.
func TestContainersGroupsAreFoundByTheirNames(t *testing.T) {
	for prefix, want := range map[string]string{"": "pod/id", "crio-": "pod/crio-id"} {
		if got := (groups{prefix: prefix}).of("pod", "id"); got != want {
			t.Errorf("with %q: %s, want %s", prefix, got, want)
		}
	}
}

// Where systemd has the groups, the runtime is told to limit processes, if the
// kernel's control groups are of version 2.
func TestProcessesAreLimitedByTheRuntime(t *testing.T) {
	mountpoint := t.TempDir()
	for _, test := range []struct {
		groups    groups
		processes int64
		want      map[string]string
	}{
		{groups{}, 10, map[string]string{"pids.max": "10"}}, {groups{}, 0, nil}, {groups{parent: "ours"}, 10, nil},
	} {
		if got := test.groups.unified(mountpoint, test.processes); got != nil {
			t.Errorf("of version 1: %v", got)
		}
		if err := os.WriteFile(filepath.Join(mountpoint, "cgroup.controllers"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(test.want, test.groups.unified(mountpoint, test.processes)); d != "" {
			t.Errorf("%+v (-want +got):\n%s", test, d)
		}
		if err := os.Remove(filepath.Join(mountpoint, "cgroup.controllers")); err != nil {
			t.Fatal(err)
		}
	}
}
