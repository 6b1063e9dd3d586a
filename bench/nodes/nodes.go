// Package nodes measures what pods cost: their start, commands in them, their
// memory and their logs, of a cluster whose node runs pods by itself, of one
// whose node has containerd run them, and, as far as it goes, of runc alone. All
// of it happens in a network, mounts and processes of its own.
package nodes

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"syscall"

	"github.com/causeway-access/causeway/bench/namespaces"
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
	// Whatever runs in a namespace of processes ends with its first.
	attr := &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWNS | syscall.CLONE_NEWPID, Setsid: true}
	var figures []Figure
	err := namespaces.Run(ctx, Command, attr, o, &figures)
	return figures, err
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
