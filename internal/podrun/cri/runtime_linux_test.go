package cri

import (
	"context"
	"errors"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	pb "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/causeway-access/causeway/internal/podrun"
)

func connect(t *testing.T, f *fake, change ...func(*Config)) *Runtime {
	t.Helper()
	config := Config{Endpoint: f.serve(t), Root: t.TempDir()}
	for _, c := range change {
		c(&config)
	}
	r, err := New(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

// waiting waits for a container in another goroutine.
func waiting(r *Runtime, id string) <-chan podrun.Container {
	ended := make(chan podrun.Container, 1)
	go func() {
		c, _ := r.Wait(context.Background(), id)
		ended <- c
	}()
	return ended
}

func TestTheEndOfAContainerIsNoticed(t *testing.T) {
	f := &fake{}
	r := connect(t, f)
	f.run("silent")
	silent := waiting(r, "silent")
	f.end("silent", 3)
	if c := <-silent; c.State != podrun.Exited || c.ExitCode != 3 {
		t.Errorf("without an event: %+v", c)
	}
	f.run("loud")
	loud := waiting(r, "loud")
	f.end("loud", 4)
	f.events <- &pb.ContainerEventResponse{ContainerId: "loud", ContainerEventType: pb.ContainerEventType_CONTAINER_STOPPED_EVENT}
	if c := <-loud; c.State != podrun.Exited || c.ExitCode != 4 {
		t.Errorf("with an event: %+v", c)
	}
	// A look may have seen that end before the event came.
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(time.Millisecond) {
		pause, wanted := r.ends.pause()
		if pause == lookRarely && !wanted {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("where events come it is looked every %v (%v), want %v", pause, wanted, lookRarely)
		}
	}
	if _, err := r.Wait(t.Context(), "nosuch"); !errors.Is(err, podrun.ErrNotFound) {
		t.Errorf("one that is not there: %v", err)
	}
	f.run("endless")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.Wait(ctx, "endless"); err == nil {
		t.Error("waiting went on though nobody wanted it")
	}
}

func TestWhatOtherRuntimesLackIsSaid(t *testing.T) {
	r := connect(t, &fake{})
	if missing := r.Missing(); len(missing) != 1 || !strings.Contains(missing[0], "systemd") {
		t.Errorf("missing: %q", missing)
	}
	_, err := r.ImportImages(t.Context(), "images.tar")
	if err == nil || !strings.Contains(err.Error(), "skopeo") {
		t.Errorf("importing images: %v", err)
	}
	for _, try := range []func() error{
		func() error { _, err := r.PullImage(t.Context(), podrun.HostImage, podrun.Auth{}); return err },
		func() error { _, err := r.image(t.Context(), podrun.HostImage); return err },
	} {
		if err := try(); !errors.Is(err, podrun.ErrNotFound) || !strings.Contains(err.Error(), "cri-o cannot run") {
			t.Errorf("the node's own image: %v", err)
		}
	}
}

func TestARuntimeThatCannotBeUsedSaysWhy(t *testing.T) {
	silent := filepath.Join(t.TempDir(), "silent")
	ctx, cancel := context.WithCancel(t.Context())
	unready := &fake{unready: "no plugin", impatient: cancel}
	for _, test := range []struct {
		name   string
		config Config
		want   string
	}{
		{"no socket", Config{Endpoint: "tcp://192.0.2.1:99"}, "unix:///run/containerd/containerd.sock"},
		{"nobody there", Config{Endpoint: "unix://" + silent, ReadyTimeout: 100 * time.Millisecond}, silent},
		{"no network", Config{Endpoint: unready.serve(t), PodCIDR: netip.MustParsePrefix("10.1.2.0/24")}, "NetworkPluginNotReady: no plugin"},
	} {
		test.config.Root = t.TempDir()
		r, err := New(ctx, test.config)
		if err == nil {
			r.Close()
		}
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", test.name, err, test.want)
		}
	}
}

func TestTheNetworkIsConfigured(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "net.d")
	connect(t, &fake{}, func(c *Config) {
		c.CNIDir, c.Root, c.PodCIDR = dir, filepath.Join(t.TempDir(), "root"), netip.MustParsePrefix("10.244.3.9/24")
	})
	got, err := os.ReadFile(filepath.Join(dir, networkFile))
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{`"cniVersion": "1.0.0"`, `"type": "ptp"`, `"subnet": "10.244.3.0/24"`, `"dst": "0.0.0.0/0"`} {
		if !strings.Contains(string(got), part) {
			t.Errorf("%q is not in\n%s", part, got)
		}
	}
}

func TestTheNetworkIsForgottenWithTheLastPod(t *testing.T) {
	dir, root := filepath.Join(t.TempDir(), "net.d"), filepath.Join(t.TempDir(), "root")
	file := filepath.Join(dir, networkFile)
	change := func(c *Config) { c.CNIDir, c.Root, c.PodCIDR = dir, root, netip.MustParsePrefix("10.244.3.0/24") }
	again := func(c *Config) { change(c); c.PodCIDR = netip.Prefix{} }
	there := func() bool { _, err := os.Stat(file); return err == nil }
	if err := connect(t, &fake{}, change).Close(); err != nil || there() {
		t.Errorf("without pods the network's configuration is left: %v", err)
	}
	r := connect(t, &fake{}, change)
	pod := filepath.Join(root, podsDir, "pod")
	if err := errors.Join(os.Mkdir(pod, 0o700), r.Close()); err != nil || !there() {
		t.Errorf("a pod has lost the network's configuration: %v", err)
	}
	if err := os.Remove(pod); err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	if err := connect(t, &fake{}, again).Close(); err != nil || there() {
		t.Errorf("who does not know the range has left the network's configuration: %v", err)
	}
	connect(t, &fake{}, change)
	if err := connect(t, &fake{}, func(c *Config) { again(c); c.Root = t.TempDir() }).Close(); err != nil || !there() {
		t.Errorf("an agent has removed another's network: %v", err)
	}
}

func TestWhatAPodSaysBecomesWhatARuntimeIsTold(t *testing.T) {
	group := int64(7)
	r := &Runtime{config: Config{Root: "/nowhere", LogDir: "/logs"}}
	config := podrun.ContainerConfig{
		Name: "main", Attempt: 2, Env: []string{"A=1", "B=x=y", "A=2"}, LogPath: "/logs/web/0.log", StopSignal: 10,
		Mounts:    []podrun.Mount{{Source: "/own", Target: "/etc/hosts"}},
		Resources: podrun.Resources{MilliCPU: 1, CPUShares: 5, Memory: 1 << 20},
		Security:  podrun.Security{Group: &group, AddCapabilities: []string{"cap_net_admin"}},
	}
	got, err := r.containerConfig(config, podrun.Sandbox{ID: "s", Config: podrun.SandboxConfig{HostPID: true}}, podrun.Image{ID: "sha256:1", User: "web"}, "/hosts")
	if err != nil {
		t.Fatal(err)
	}
	var envs, targets []string
	for _, e := range got.GetEnvs() {
		envs = append(envs, e.GetKey()+"="+string(e.GetValue()))
	}
	for _, m := range got.GetMounts() {
		targets = append(targets, m.GetHostPath()+":"+m.GetContainerPath())
	}
	context := got.GetLinux().GetSecurityContext()
	for _, test := range []struct {
		name      string
		got, want any
	}{
		{"environment", envs, []string{"B=x=y", "A=2"}},
		{"mounts, with a hosts file of its own", targets, []string{"/own:/etc/hosts"}},
		{"log", got.GetLogPath(), "web/0.log"},
		{"signal", got.GetStopSignal(), pb.Signal_SIGNAL_SIGUSR1},
		{"share of a processor", got.GetLinux().GetResources().GetCpuQuota(), int64(1000)},
		{"the user of a group", context.GetRunAsUsername(), "web"},
		{"capabilities", context.GetCapabilities().GetAddCapabilities(), []string{"NET_ADMIN"}},
		{"processes", context.GetNamespaceOptions().GetPid(), pb.NamespaceMode_NODE},
		{"network", context.GetNamespaceOptions().GetNetwork(), pb.NamespaceMode_POD},
		{"system calls", context.GetSeccomp().GetProfileType(), pb.SecurityProfile_RuntimeDefault},
	} {
		if diff := cmp.Diff(test.want, test.got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
	config.LogPath = "/log"
	if _, err := r.containerConfig(config, podrun.Sandbox{}, podrun.Image{}, ""); err == nil {
		t.Error("a log is taken that is not where sandboxes have been told that logs are")
	}
	config.LogPath = "/logs/web/0.log"
	// And it comes back.
	c, err := containerOf(&pb.ContainerStatus{Annotations: got.GetAnnotations(), State: pb.ContainerState_CONTAINER_CREATED})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(podrun.Container{Sandbox: "s", Config: config, ImageID: "sha256:1", State: podrun.Created}, c); diff != "" {
		t.Errorf("what is kept (-want +got):\n%s", diff)
	}
}

func TestReasonsAreThoseThatUsersKnow(t *testing.T) {
	for _, test := range []struct {
		state  pb.ContainerState
		reason string
		code   int32
		want   string
	}{
		{pb.ContainerState_CONTAINER_EXITED, "Completed", 0, podrun.ReasonCompleted},
		{pb.ContainerState_CONTAINER_EXITED, "", 0, podrun.ReasonCompleted},
		{pb.ContainerState_CONTAINER_EXITED, "seccomp killed", 159, podrun.ReasonError},
		{pb.ContainerState_CONTAINER_EXITED, "OOMKilled", 137, podrun.ReasonOOMKilled},
		{pb.ContainerState_CONTAINER_EXITED, "ContainerCannotRun", 128, podrun.ReasonStartError},
		{pb.ContainerState_CONTAINER_EXITED, "Unknown", 255, podrun.ReasonUnknown},
		{pb.ContainerState_CONTAINER_UNKNOWN, "", 0, podrun.ReasonUnknown},
	} {
		if got := reason(&pb.ContainerStatus{State: test.state, Reason: test.reason, ExitCode: test.code}); got != test.want {
			t.Errorf("%v %q %d: %s, want %s", test.state, test.reason, test.code, got, test.want)
		}
	}
}
