//go:build linux && host

package ns

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/causeway-access/causeway/internal/podrun"
	"github.com/causeway-access/causeway/internal/podrun/ns/wire"
	"github.com/causeway-access/causeway/test/inside"
)

func TestACommandEndsThoughItLeavesItsOutputToAnother(t *testing.T) {
	if !inside.Namespaces(t) {
		return
	}
	r := open(t, testConfig(t))
	sandbox, container, err := run(t.Context(), r, "web")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.RemoveSandbox(context.Background(), sandbox); err != nil {
			t.Error(err)
		}
	})
	var out strings.Builder
	command := podrun.Command{Args: []string{"sh", "-c", "sleep 1000 & echo started"}}
	code, err := r.Exec(t.Context(), container, command, podrun.Stdio{Stdout: &out})
	if err != nil || code != 0 || out.String() != "started\n" {
		t.Errorf("%q, %d, %v", &out, code, err)
	}
}

// The agent ends a pod as soon as its last container has ended, when the init
// process may not have told everybody.
func TestWhoIsAttachedSeesTheEndOfThePod(t *testing.T) {
	if !inside.Namespaces(t) {
		return
	}
	r := open(t, testConfig(t))
	sandbox, err := r.RunSandbox(t.Context(), podrun.SandboxConfig{Namespace: "default", Name: "web"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.RemoveSandbox(context.Background(), sandbox); err != nil {
			t.Error(err)
		}
	})
	container, err := r.CreateContainer(t.Context(), sandbox, podrun.ContainerConfig{
		Name: "main", Image: podrun.HostImage, Command: []string{"cat"}, Stdin: true,
	})
	if err == nil {
		err = r.StartContainer(t.Context(), container)
	}
	if err != nil {
		t.Fatal(err)
	}
	var init process
	if err := wire.Load(r.path(sandbox, wire.ProcessFile), &init); err != nil {
		t.Fatal(err)
	}
	in, typed := io.Pipe()
	said, out := io.Pipe()
	attached := podrun.Stdio{Stdin: in, Stdout: out}
	result := make(chan error, 1)
	go func() { result <- r.Attach(t.Context(), container, attached) }()
	if _, err := io.WriteString(typed, "words"); err != nil {
		t.Fatal(err)
	}
	defer typed.Close()
	if _, err := io.ReadFull(said, make([]byte, len("words"))); err != nil {
		t.Fatal(err)
	}
	if err := init.kill(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-result; err != nil {
		t.Error(err)
	}
	if err := r.Attach(t.Context(), container, attached); !errors.Is(err, podrun.ErrNotReady) {
		t.Errorf("after its end: %v", err)
	}
}
