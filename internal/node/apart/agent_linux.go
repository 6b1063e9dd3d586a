package apart

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/causeway-access/causeway/internal/node"
	"github.com/causeway-access/causeway/internal/podrun/ns/userns"
)

// endTime is how long the agent has to end.
const endTime = 15 * time.Second

// Needed says that a node's agent can only be run apart: the user is not root,
// and no container runtime has root's rights for him.
func Needed(runtimeEndpoint string) bool { return os.Geteuid() != 0 && runtimeEndpoint == "" }

// Check says why it cannot be run here; nil if it can.
func Check(ctx context.Context) error { return userns.Possible(ctx) }

// Agent is a node's agent in a process of its own.
type Agent struct {
	settings Settings
	log      *slog.Logger
	ready    chan struct{}
}

// New makes an agent. All else begins with Run. Log is slog.Default() if nil.
func New(settings Settings, log *slog.Logger) *Agent {
	if log == nil {
		log = slog.Default()
	}
	return &Agent{settings: settings, log: log, ready: make(chan struct{})}
}

// Ready is closed when pods can run.
func (a *Agent) Ready() <-chan struct{} { return a.ready }

// Run is the node until ctx ends, as [node.Agent.Run].
func (a *Agent) Run(ctx context.Context) error {
	if err := os.MkdirAll(a.settings.Dir, 0o700); err != nil {
		return fmt.Errorf("making the node's directory: %w", err)
	}
	outside, inside, err := userns.Sockets()
	if err != nil {
		return err
	}
	told, tells, err := os.Pipe()
	if err != nil {
		return errors.Join(err, outside.Close(), inside.Close())
	}
	var helpers sync.WaitGroup
	defer helpers.Wait()
	serving, cancel := context.WithCancel(context.WithoutCancel(ctx)) // also while the agent ends
	defer cancel()
	helpers.Go(func() {
		if err := userns.ServeOutside(serving, outside); err != nil {
			a.log.Error("The node has no way out", "error", err)
		}
	})
	helpers.Go(func() {
		defer told.Close()
		if n, _ := told.Read(make([]byte, 1)); n > 0 {
			close(a.ready)
		}
	})
	err = run(ctx, a.settings.Dir, task{Run: &a.settings}, a.log, nil, inside, tells)
	if err != nil && ctx.Err() == nil {
		return fmt.Errorf("the node's agent, in namespaces of its own: %w", err)
	}
	return nil
}

// run has the process inside do something. It writes to stdout, and closes the
// files, which it has from descriptor 3 on.
func run(ctx context.Context, dir string, t task, log *slog.Logger, stdout *os.File, files ...*os.File) error {
	defer func() {
		for _, f := range files {
			f.Close()
		}
	}()
	t.Debug = log.Enabled(ctx, slog.LevelDebug)
	text, err := json.Marshal(t)
	if err != nil {
		return err
	}
	stdin, err := inMemory(text)
	if err != nil {
		return err
	}
	defer stdin.Close()
	lines, stderr, err := os.Pipe()
	if err != nil {
		return err
	}
	var logged sync.WaitGroup
	defer logged.Wait()
	logged.Go(func() { relay(lines, log) })
	defer stderr.Close()
	if stdout == nil {
		stdout = stderr
	}
	// Of what is passed on, nobody here keeps the other end open for longer.
	return place(dir).Run(ctx, userns.Program{
		Args: []string{Name}, Stdin: stdin, Stdout: stdout, Stderr: stderr, Extra: files, Grace: endTime,
	})
}

// inMemory is a file that holds text and is nowhere.
func inMemory(text []byte) (*os.File, error) {
	f, err := os.CreateTemp("", "causeway-node-")
	if err != nil {
		return nil, err
	}
	_, err = f.Write(text)
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err = errors.Join(err, os.Remove(f.Name())); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// place is where the agent of a directory runs. Its pods need it.
func place(dir string) userns.Place {
	return userns.Place{Dir: dir, Busy: filepath.Join(dir, node.RunDir, "pods")}
}

// EndPods is [node.EndPods] for pods of a user who is not root.
func EndPods(ctx context.Context, dir string, grace time.Duration, log *slog.Logger) ([]node.Ended, error) {
	ended := []node.Ended{}
	dir, err := filepath.Abs(dir) // as the agent knows it
	if err != nil {
		return ended, err
	}
	if _, err := os.Stat(filepath.Join(dir, node.RunDir)); errors.Is(err, fs.ErrNotExist) {
		return ended, nil // there has never been a node
	}
	said, stdout, err := os.Pipe()
	if err != nil {
		return ended, err
	}
	defer said.Close()
	var text bytes.Buffer
	var reading sync.WaitGroup
	reading.Go(func() { _, _ = io.Copy(&text, said) })
	err = run(ctx, dir, task{End: &ending{dir, grace}}, log, stdout)
	stdout.Close()
	reading.Wait()
	if err != nil {
		return ended, fmt.Errorf("ending pods, in namespaces of their own: %w", err)
	}
	if err := json.Unmarshal(text.Bytes(), &ended); err != nil {
		return ended, fmt.Errorf("reading which pods have ended: %w", err)
	}
	return ended, nil
}
