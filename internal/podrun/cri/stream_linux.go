package cri

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/remotecommand"
	"k8s.io/client-go/transport/spdy"
	"k8s.io/client-go/util/exec"
	pb "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/causeway-access/causeway/internal/podrun"
)

// Exec implements [podrun.Streams].
func (r *Runtime) Exec(ctx context.Context, id string, command podrun.Command, stdio podrun.Stdio) (int, error) {
	code, err := r.exec(ctx, id, command, stdio)
	if err != nil {
		return 0, fmt.Errorf("executing in %s: %w", id, err)
	}
	return code, nil
}

func (r *Runtime) exec(ctx context.Context, id string, command podrun.Command, stdio podrun.Stdio) (int, error) {
	c, err := r.runs(ctx, id)
	if err != nil {
		return 0, err
	}
	if command.TTY {
		stdio.Stderr = nil
	}
	if stdio.Stdin == nil && stdio.Stdout == nil && stdio.Stderr == nil {
		stdio.Stdout = io.Discard // CRI wants one
	}
	response, err := r.runtime.Exec(ctx, &pb.ExecRequest{
		ContainerId: id, Cmd: command.Args, Tty: command.TTY,
		Stdin: stdio.Stdin != nil, Stdout: stdio.Stdout != nil, Stderr: stdio.Stderr != nil,
	})
	if err != nil {
		return 0, plain(err)
	}
	execution := r.execs.begin(ctx, id, c.pid)
	err = carry(ctx, response.GetUrl(), command.TTY, stdio)
	if ctx.Err() != nil {
		execution.kill()
		return 0, ctx.Err()
	}
	execution.end()
	var ended exec.ExitError
	if errors.As(err, &ended) && ended.Exited() {
		return ended.ExitStatus(), nil
	}
	return 0, cannotStart(err)
}

// Attach implements [podrun.Streams].
func (r *Runtime) Attach(ctx context.Context, id string, stdio podrun.Stdio) error {
	if err := r.attach(ctx, id, stdio); err != nil {
		return fmt.Errorf("attaching to %s: %w", id, err)
	}
	return nil
}

func (r *Runtime) attach(ctx context.Context, id string, stdio podrun.Stdio) error {
	c, err := r.runs(ctx, id)
	if err != nil {
		return err
	}
	if c.Config.TTY {
		stdio.Stderr = nil
	}
	if stdio.Stdin == nil && stdio.Stdout == nil && stdio.Stderr == nil {
		stdio.Stdout = io.Discard
	}
	response, err := r.runtime.Attach(ctx, &pb.AttachRequest{
		ContainerId: id, Tty: c.Config.TTY,
		Stdin: stdio.Stdin != nil, Stdout: stdio.Stdout != nil, Stderr: stdio.Stderr != nil,
	})
	if err != nil {
		return plain(err)
	}
	err = carry(ctx, response.GetUrl(), c.Config.TTY, stdio)
	return errors.Join(ctx.Err(), err)
}

// carry carries streams until what they belong to ends, or ctx does.
func carry(ctx context.Context, address string, tty bool, stdio podrun.Stdio) error {
	at, client, upgrader, err := upgrade(address)
	if err != nil {
		return err
	}
	executor, err := remotecommand.NewSPDYExecutorForTransports(client, upgrader, http.MethodPost, at)
	if err != nil {
		return err
	}
	// What ends with the streams.
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	options := remotecommand.StreamOptions{Stdin: stdio.Stdin, Tty: tty}
	if stdio.Stdout != nil {
		options.Stdout = untilDone{ctx, stdio.Stdout}
	}
	if stdio.Stderr != nil {
		options.Stderr = untilDone{ctx, stdio.Stderr}
	}
	if tty && stdio.Resize != nil {
		options.TerminalSizeQueue = sizes{ctx, stdio.Resize}
	}
	return executor.StreamWithContext(ctx, options)
}

// upgrade prepares for the streams of an address that a runtime has given: it
// serves them on this machine, and no proxy is on the way.
func upgrade(address string) (*url.URL, http.RoundTripper, spdy.Upgrader, error) {
	at, err := url.Parse(address)
	if err != nil {
		return nil, nil, nil, fmt.Errorf("the container runtime's address of a stream: %w", err)
	}
	config := &rest.Config{Proxy: func(*http.Request) (*url.URL, error) { return nil, nil }}
	// A runtime's certificate for itself is signed by nobody.
	if ip := net.ParseIP(at.Hostname()); ip != nil && ip.IsLoopback() {
		config.Insecure = true
	}
	client, upgrader, err := spdy.RoundTripperFor(config)
	return at, client, upgrader, err
}

// untilDone writes nothing more when its streams have been left.
type untilDone struct {
	ctx context.Context
	io.Writer
}

func (w untilDone) Write(p []byte) (int, error) {
	if err := w.ctx.Err(); err != nil {
		return 0, err
	}
	return w.Writer.Write(p)
}

// sizes are a terminal's.
type sizes struct {
	ctx    context.Context
	resize <-chan podrun.TerminalSize
}

// Next implements [remotecommand.TerminalSizeQueue].
func (s sizes) Next() *remotecommand.TerminalSize {
	select {
	case size, ok := <-s.resize:
		if ok {
			return &remotecommand.TerminalSize{Width: size.Width, Height: size.Height}
		}
	case <-s.ctx.Done():
	}
	return nil
}
