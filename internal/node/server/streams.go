package server

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"k8s.io/cri-streaming/pkg/streaming/remotecommand"
	"k8s.io/utils/exec"

	"k8s.io/apimachinery/pkg/types"

	"github.com/causeway-access/causeway/internal/conn"
	"github.com/causeway-access/causeway/internal/podrun"
)

// exec runs a command in a container, with streams.
func (s *server) exec(w http.ResponseWriter, r *http.Request) {
	c, options, ok := s.enter(w, r)
	if !ok {
		return
	}
	args := r.URL.Query()["command"]
	if len(args) == 0 || args[0] == "" {
		http.Error(w, "you must specify a command", http.StatusBadRequest)
		return
	}
	w, r, done := conn.WhileConnected(w, r)
	defer done()
	into := session{s.Runtime, c, options}
	remotecommand.ServeExec(w, r, into, c.Config.Name, "", c.ID, args, options, s.IdleTimeout, creationTimeout, remotecommand.SupportedStreamingProtocols)
}

// attach joins the streams of a container's program.
func (s *server) attach(w http.ResponseWriter, r *http.Request) {
	c, options, ok := s.enter(w, r)
	if !ok {
		return
	}
	w, r, done := conn.WhileConnected(w, r)
	defer done()
	into := session{s.Runtime, c, options}
	remotecommand.ServeAttach(w, r, into, c.Config.Name, "", c.ID, options, s.IdleTimeout, creationTimeout, remotecommand.SupportedStreamingProtocols)
}

// enter finds the running container that a request is about, and the streams
// it wants. It answers if there is something wrong.
func (s *server) enter(w http.ResponseWriter, r *http.Request) (podrun.Container, *remotecommand.Options, bool) {
	options, err := remotecommand.NewOptions(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return podrun.Container{}, nil, false
	}
	c, ok := s.running(w, r)
	return c, options, ok
}

func (s *server) running(w http.ResponseWriter, r *http.Request) (podrun.Container, bool) {
	if s.pod(r) == nil {
		http.Error(w, "pod does not exist", http.StatusNotFound)
		return podrun.Container{}, false
	}
	name := r.PathValue("container")
	c, err := s.Pods.Container(r.PathValue("namespace"), r.PathValue("pod"), types.UID(r.PathValue("uid")), name)
	if err == nil && c.State == podrun.Running {
		return c, true
	}
	if err != nil && !errors.Is(err, podrun.ErrNotFound) {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return podrun.Container{}, false
	}
	http.Error(w, fmt.Sprintf("container not found (%q)", name), http.StatusNotFound)
	return podrun.Container{}, false
}

// session is one command or attachment. The library calls it when the streams
// are there, with the request's context.
type session struct {
	runtime   Runtime
	container podrun.Container
	options   *remotecommand.Options
}

var (
	_ remotecommand.Executor = session{}
	_ remotecommand.Attacher = session{}
)

// ExecInContainer implements [remotecommand.Executor].
func (e session) ExecInContainer(ctx context.Context, _, _, _ string, args []string, in io.Reader, out, errs io.WriteCloser, tty bool, resize <-chan remotecommand.TerminalSize, _ time.Duration) error {
	stdio, stop := e.stdio(in, out, errs, resize)
	defer stop()
	code, err := e.runtime.Exec(ctx, e.container.ID, podrun.Command{Args: args, TTY: tty}, stdio)
	if err != nil {
		return unlessLeft(ctx, err)
	}
	if code != 0 {
		return exec.CodeExitError{Err: fmt.Errorf("exit code %d", code), Code: code}
	}
	return nil
}

// AttachContainer implements [remotecommand.Attacher].
func (e session) AttachContainer(ctx context.Context, _, _, _ string, in io.Reader, out, errs io.WriteCloser, _ bool, resize <-chan remotecommand.TerminalSize) error {
	stdio, stop := e.stdio(in, out, errs, resize)
	defer stop()
	return unlessLeft(ctx, e.runtime.Attach(ctx, e.container.ID, stdio))
}

// unlessLeft is err, or nil if it is that the client has gone: the library
// would log it as an error of ours, and nobody is there to be told.
func unlessLeft(ctx context.Context, err error) error {
	if errors.Is(context.Cause(ctx), conn.ErrDisconnected) {
		return nil
	}
	return err
}

// stdio are the streams that were asked for: over a WebSocket the library
// gives others as well. stop ends what it has started.
func (e session) stdio(in io.Reader, out, errs io.Writer, resize <-chan remotecommand.TerminalSize) (stdio podrun.Stdio, stop func()) {
	if e.options.Stderr {
		stdio.Stderr = errs
	}
	if e.options.Stdout {
		stdio.Stdout = out
	}
	stopBeat := func() {}
	if e.options.Stdin {
		stdio.Stdin = in
		stopBeat = beat(cmp.Or(stdio.Stdout, stdio.Stderr))
	}
	if !e.options.TTY || resize == nil {
		return stdio, stopBeat
	}
	sizes, stopped := make(chan podrun.TerminalSize), make(chan struct{})
	stdio.Resize = sizes
	go translate(resize, sizes, stopped)
	return stdio, func() {
		stopBeat()
		close(stopped)
	}
}

// translate passes the sizes of a terminal on, until they end or stopped is closed.
func translate(from <-chan remotecommand.TerminalSize, to chan<- podrun.TerminalSize, stopped <-chan struct{}) {
	defer close(to)
	for {
		select {
		case size, ok := <-from:
			if !ok {
				return
			}
			select {
			case to <- podrun.TerminalSize(size):
			case <-stopped:
				return
			}
		case <-stopped:
			return
		}
	}
}
