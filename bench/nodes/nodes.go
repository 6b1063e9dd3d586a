// Package nodes measures what pods cost: their start, commands in them, their
// memory and their logs, of a cluster whose node runs pods by itself, of one
// whose node has containerd run them, and, as far as it goes, of runc alone. All
// of it happens in a network, mounts and processes of its own.
package nodes

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/causeway-access/causeway/bench/proxy"
)

// Command is the argument by which this program measures inside; main calls
// Inside then.
const Command = "inside-a-node"

// Figure is one measured quantity.
type Figure = proxy.Figure

// Subjects that are measured. The others are compared with the first.
const (
	Causeway       = "causeway"
	WithContainerd = "causeway, containerd"
	Runc           = "runc"
)

// Options of a run.
type Options struct {
	Program string // causeway
	Pod     string // the static program bench/pod
	Dir     string // scratch
	Rounds  int
	// Single and Many are how many pods are started one at a time, and at once.
	Single, Many int
}

// Run measures. It needs root.
func Run(ctx context.Context, o Options) ([]Figure, error) {
	text, err := json.Marshal(o)
	if err != nil {
		return nil, err
	}
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, program, Command)
	cmd.Stdin, cmd.Stderr = strings.NewReader(string(text)), os.Stderr
	// Whatever runs in a namespace of processes ends with its first.
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWNS | syscall.CLONE_NEWPID, Setsid: true,
	}
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = time.Minute
	out, err := cmd.Output()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		return nil, errors.New("measure in namespaces of its own: it failed as said above")
	} else if err != nil {
		return nil, fmt.Errorf("make namespaces to measure in (this needs root): %w", err)
	}
	var figures []Figure
	if err := json.Unmarshal(out, &figures); err != nil {
		return nil, fmt.Errorf("read the figures: %w", err)
	}
	return figures, nil
}

// Inside reads options, measures and writes figures, as Run expects of it.
func Inside(ctx context.Context, in io.Reader, out io.Writer) error {
	var o Options
	if err := json.NewDecoder(in).Decode(&o); err != nil {
		return fmt.Errorf("read the options: %w", err)
	}
	if err := prepare(ctx); err != nil {
		return err
	}
	b := &bench{Options: o}
	if err := b.measure(ctx); err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(b.samples.Figures())
}

// say tells of progress.
func say(format string, args ...any) { fmt.Fprintf(os.Stderr, "  "+format+"\n", args...) }
