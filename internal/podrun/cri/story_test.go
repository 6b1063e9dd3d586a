//go:build linux && host && root

package cri

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/causeway-access/causeway/internal/podrun"
)

// pod is a sandbox with a container of the tools, whose shell runs a script.
func pod(t *testing.T, r *Runtime, name, script string, change ...func(*podrun.ContainerConfig)) (sandbox, container string) {
	t.Helper()
	sandbox, err := r.RunSandbox(t.Context(), podrun.SandboxConfig{Namespace: "default", Name: name, UID: "uid-" + name})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.RemoveSandbox(context.Background(), sandbox); err != nil {
			t.Error(err)
		}
	})
	config := podrun.ContainerConfig{Name: "main", Image: toolsImage, Command: []string{"sh", "-c", script}}
	for _, c := range change {
		c(&config)
	}
	container, err = r.CreateContainer(t.Context(), sandbox, config)
	if err == nil {
		err = r.StartContainer(t.Context(), container)
	}
	if err != nil {
		t.Fatal(err)
	}
	return sandbox, container
}

// eventually waits until f is true, however slow the machine is.
func eventually(t *testing.T, what string, f func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !f(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("it never came that %s", what)
		}
	}
}

func TestContainerdIsUsedAsItHasToBe(t *testing.T) {
	if !alone(t) {
		return
	}
	r := start(t)
	for _, test := range []struct {
		name string
		f    func(*testing.T, *Runtime)
	}{
		{"one of many equal commands is ended, and no other", testOneOfMany},
		{"a full log is turned", testFullLog},
		{"images are listed, kept while they are used, and removed", testImages},
		{"what a dead agent has left is removed", testLeft},
	} {
		t.Run(test.name, func(t *testing.T) { test.f(t, r) })
	}
}

// alike runs a command that says that it has begun, until ctx ends.
func alike(ctx context.Context, r *Runtime, container string, began *sync.WaitGroup) error {
	var once sync.Once
	said := writer(func(p []byte) (int, error) {
		once.Do(began.Done)
		return len(p), nil
	})
	_, err := r.Exec(ctx, container, podrun.Command{Args: []string{"sh", "-c", "echo begun; sleep 7654; true"}}, podrun.Stdio{Stdout: said})
	return err
}

type writer func([]byte) (int, error)

func (w writer) Write(p []byte) (int, error) { return w(p) }

func testOneOfMany(t *testing.T, r *Runtime) {
	_, container := pod(t, r, "many", "sleep 1000")
	const many = 5
	var began sync.WaitGroup
	var cancels []context.CancelFunc
	ended := make(chan int, many)
	for i := range many {
		ctx, cancel := context.WithCancel(t.Context())
		cancels = append(cancels, cancel)
		began.Add(1)
		go func() {
			if err := alike(ctx, r, container, &began); !errors.Is(err, context.Canceled) {
				t.Errorf("%d: %v", i, err)
			}
			ended <- i
		}()
	}
	began.Wait()
	for left := many; left > 0; left-- {
		i := many - left
		cancels[i]()
		if who := <-ended; who != i {
			t.Fatalf("%d ended when %d was to", who, i)
		}
		eventually(t, "one is gone", func() bool {
			var out strings.Builder
			_, err := r.Exec(t.Context(), container, podrun.Command{Args: []string{"sh", "-c", "ps ax | grep -c '[s]leep 7654; true'; ps ax | grep -c '[s]leep 7654$'"}}, podrun.Stdio{Stdout: &out})
			if err != nil {
				t.Fatal(err)
			}
			return out.String() == fmt.Sprintf("%d\n%d\n", left-1, left-1)
		})
	}
}

func testFullLog(t *testing.T, r *Runtime) {
	path := filepath.Join(t.TempDir(), "log")
	_, container := pod(t, r, "log", "while read line; do echo $line; done", func(c *podrun.ContainerConfig) {
		c.LogPath, c.Stdin = path, true
	})
	most := r.config.LogMaxSize
	r.config.LogMaxSize, r.config.LogFiles = 20, 2
	defer func() { r.config.LogMaxSize, r.config.LogFiles = most, 5 }()
	say := func(text string) {
		t.Helper()
		if err := r.Attach(t.Context(), container, podrun.Stdio{Stdin: strings.NewReader(text + "\n")}); err != nil {
			t.Fatal(err)
		}
		eventually(t, "it is in the log", func() bool {
			data, _ := os.ReadFile(path)
			return strings.HasSuffix(string(data), " F "+text+"\n")
		})
	}
	for _, text := range []string{"one", "two", "three"} {
		say(text)
		r.turnFullLogs(t.Context())
	}
	say("four")
	files, err := filepath.Glob(path + "*")
	if err != nil || len(files) != 2 {
		t.Errorf("files: %v, %v", files, err)
	}
	data, err := os.ReadFile(path + ".1")
	if err != nil || !strings.HasSuffix(string(data), " F three\n") || strings.Count(string(data), "\n") != 1 {
		t.Errorf("the file before: %q, %v", data, err)
	}
}

func testImages(t *testing.T, r *Runtime) {
	list, err := r.ListImages(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]podrun.Image{}
	for _, i := range list {
		for _, n := range i.Names {
			known[n] = i
		}
	}
	stranger, ok := known[strangerImage]
	if !ok || stranger.Size == 0 || stranger.User != "stranger" || !strings.HasPrefix(stranger.ID, "sha256:") {
		t.Fatalf("images: %+v", list)
	}
	sandbox, container := pod(t, r, "image", "sleep 1000")
	_, err = r.CreateContainer(t.Context(), sandbox, podrun.ContainerConfig{Name: "stranger", Image: strangerImage, Command: []string{"true"}})
	if !errors.Is(err, podrun.ErrCannotStart) || !strings.Contains(err.Error(), "stranger") {
		t.Errorf("a user that the image does not have: %v", err)
	}
	if err := r.RemoveImage(t.Context(), toolsImage); err == nil || !strings.Contains(err.Error(), "the container main of default/image has it") {
		t.Errorf("removing an image that is used: %v", err)
	}
	if err := r.RemoveImage(t.Context(), strangerImage); err != nil {
		t.Error(err)
	}
	if _, err := r.image(t.Context(), strangerImage); !errors.Is(err, podrun.ErrNotFound) {
		t.Errorf("an image that was removed: %v", err)
	}
	if _, err := r.image(t.Context(), stranger.ID); !errors.Is(err, podrun.ErrNotFound) {
		t.Errorf("its files: %v", err)
	}
	damaged := filepath.Join(t.TempDir(), "damaged.tar")
	if err := os.WriteFile(damaged, []byte("no archive"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := r.ImportImages(t.Context(), damaged); err == nil || !strings.Contains(err.Error(), damaged) {
		t.Errorf("a damaged archive: %v", err)
	}
	if _, err := r.PullImage(t.Context(), "127.0.0.1:1/no/such:1", podrun.Auth{}); err == nil || !strings.Contains(err.Error(), "refused") {
		t.Errorf("a registry that is not there: %v", err)
	}
	if c, err := r.container(t.Context(), container); err != nil || c.State != podrun.Running {
		t.Errorf("the container: %+v, %v", c, err)
	}
}

func testLeft(t *testing.T, r *Runtime) {
	sandbox, _ := pod(t, r, "stays", "sleep 1000")
	if err := os.Mkdir(r.path("gone"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := r.groups.make("gone", podrun.Resources{Processes: 5}); err != nil {
		t.Fatal(err)
	}
	if err := r.sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(r.path("gone")); err == nil {
		t.Error("the files of a sandbox that is gone are there")
	}
	groups := r.groups.root.Groups()
	if len(groups) != 1 || groups[0] == "gone" {
		t.Errorf("control groups: %v", groups)
	}
	if _, err := os.Stat(r.path(sandbox, "hosts")); err != nil {
		t.Errorf("the files of a sandbox that is there: %v", err)
	}
}
