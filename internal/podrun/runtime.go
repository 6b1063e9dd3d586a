// Package podrun says what a node's agent needs of whatever runs its pods: to
// start, stop and find them again, to look into them, and to have their images.
//
// It is on floor 1. A [Runtime] is one of its sub-packages: ns, which needs
// nothing but Linux, and cri, for container runtimes that speak that interface.
// Package suite says how each of them behaves, by tests that all pass.
//
// A pod's place is a sandbox: its network, IPC, host name and processes. It
// holds containers. The order of containers, their restarts and their probes
// are the agent's: a runtime does one thing at a time, and remembers. It
// remembers over the death of the agent, too, at any moment: pods go on, and
// the next agent finds them with List. An agent that finds a sandbox which it
// does not want, or which is half made, removes it; then nothing is left of it.
package podrun

import (
	"context"
	"io"
	"net"
	"time"

	"github.com/causeway-access/causeway/internal/podrun/disk"
)

// Runtime runs pods. All its parts may be used at the same time; what is done
// to one sandbox is done one after the other.
type Runtime interface {
	Sandboxes
	Containers
	Streams
	Images
}

// Sandboxes are the places of pods.
type Sandboxes interface {
	// RunSandbox makes a pod's place and returns its ID. When it fails,
	// nothing is left.
	RunSandbox(ctx context.Context, config SandboxConfig) (string, error)
	// StopSandbox kills what runs in it and gives its address back. Containers
	// that are to end gracefully are stopped before. A sandbox that is stopped
	// already, or that does not exist, is no error.
	StopSandbox(ctx context.Context, id string) error
	// RemoveSandbox stops a sandbox and removes all that there is of it but
	// the logs. One that does not exist is no error.
	RemoveSandbox(ctx context.Context, id string) error
	// List returns all sandboxes with their containers, in the order of their
	// making; those of earlier agents, too.
	List(ctx context.Context) ([]Sandbox, error)
}

// Containers are what runs in sandboxes.
type Containers interface {
	// CreateContainer prepares a container in a ready sandbox and returns its
	// ID. What keeps its program from being run may be found here already
	// (ErrCannotStart), or by StartContainer.
	CreateContainer(ctx context.Context, sandbox string, config ContainerConfig) (string, error)
	// StartContainer runs it, and returns when its program has been started.
	// A container is started once; one that shall run again is made again.
	StartContainer(ctx context.Context, id string) error
	// StopContainer sends the stop signal, waits for up to grace, and kills
	// what is left. It returns when nothing of the container runs. If the agent
	// dies meanwhile the next one calls it again: what has begun goes on, or
	// begins anew. Stopping what does not run is no error.
	StopContainer(ctx context.Context, id string, grace time.Duration) error
	// RemoveContainer kills it if it runs, and removes its files but the log.
	// One that does not exist is no error.
	RemoveContainer(ctx context.Context, id string) error
	// Wait returns a container's status when it has ended.
	Wait(ctx context.Context, id string) (Container, error)
	// Stats says what a sandbox uses now.
	Stats(ctx context.Context, sandbox string) (Stats, error)
	// Written says what the containers of a sandbox have written beside their
	// image, by their IDs; those that have ended, too. A runtime that counts by
	// itself may be some seconds behind, and not know of one that has just begun.
	Written(ctx context.Context, sandbox string) (map[string]disk.Use, error)
}

// Streams are ways into pods.
type Streams interface {
	// Exec runs a command in a running container and returns its exit status.
	// It kills the command when ctx ends, and if it can when this process dies.
	// A runtime may wait for whoever else holds the command's output open.
	Exec(ctx context.Context, container string, command Command, io Stdio) (int, error)
	// Attach joins the streams of a container until it ends or ctx does.
	Attach(ctx context.Context, container string, io Stdio) error
	// Dial connects to a TCP port of a sandbox's loopback address, as
	// port-forward does. Where nobody listens it fails, or the first Read does.
	Dial(ctx context.Context, sandbox string, port uint16) (net.Conn, error)
}

// Images are what containers are made of.
type Images interface {
	// PullImage gets an image and returns it. HostImage is always there.
	PullImage(ctx context.Context, reference string, auth Auth) (Image, error)
	// ImportImages takes the images of an archive made by docker save or of
	// an OCI layout in a tar file. They are pinned: nobody could get them again.
	ImportImages(ctx context.Context, archive string) ([]Image, error)
	// ListImages returns what is here.
	ListImages(ctx context.Context) ([]Image, error)
	// RemoveImage takes a name from an image, or removes it by its ID; the
	// files go with the last name (all names may go with one). It is an error if a container has it, and
	// none if it is not here.
	RemoveImage(ctx context.Context, reference string) error
	// ImageDir is a directory on the disk of images.
	ImageDir(ctx context.Context) (string, error)
}

// Command is what is run beside a container's program.
type Command struct {
	Args []string
	// TTY gives it a terminal; then Stderr is not used.
	TTY bool
}

// Stdio are the streams of a command. What is nil is not connected.
type Stdio struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	// Resize tells of the terminal's size. It is read until it is closed or
	// the command ends.
	Resize <-chan TerminalSize
}

// TerminalSize is in characters.
type TerminalSize struct{ Width, Height uint16 }

// Stats is what a sandbox's containers and the runtime's helper in it use.
type Stats struct {
	// CPU is the time used since the sandbox was made.
	CPU time.Duration
	// Memory is the working set in bytes: what could not be freed easily.
	Memory uint64
	// Processes counts threads, as the kernel's limit does. A runtime may not
	// tell it for a container.
	Processes uint64
	// Containers by name.
	Containers map[string]Stats
}
