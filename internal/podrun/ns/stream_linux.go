package ns

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/causeway-access/causeway/internal/podrun"
	"github.com/causeway-access/causeway/internal/podrun/ns/wire"
)

// Exec implements [podrun.Streams].
func (r *Runtime) Exec(ctx context.Context, id string, command podrun.Command, stdio podrun.Stdio) (int, error) {
	sandbox, err := sandboxOf(id)
	if err != nil {
		return 0, err
	}
	request := wire.Request{Op: wire.OpExec, ID: id, Command: &wire.Command{Args: command.Args, TTY: command.TTY}}
	response, err := r.stream(ctx, sandbox, request, stdio)
	if err != nil {
		return 0, fmt.Errorf("executing in %s: %w", id, err)
	}
	return response.Exit, nil
}

// Attach implements [podrun.Streams].
func (r *Runtime) Attach(ctx context.Context, id string, stdio podrun.Stdio) error {
	sandbox, err := sandboxOf(id)
	if err != nil {
		return err
	}
	request := wire.Request{Op: wire.OpAttach, ID: id, Command: &wire.Command{}}
	// A pod ends with its last container, and who attends that sees it end, no
	// matter which of both is heard of first.
	if _, err := r.stream(ctx, sandbox, request, stdio); err != nil && !errors.Is(err, errUnanswered) {
		return fmt.Errorf("attaching to %s: %w", id, err)
	}
	return nil
}

// Dial implements [podrun.Streams].
func (r *Runtime) Dial(ctx context.Context, sandbox string, port uint16) (net.Conn, error) {
	type dialled struct {
		file *os.File
		err  error
	}
	done := make(chan dialled, 1)
	go func() {
		_, file, err := r.ask(sandbox, wire.Request{Op: wire.OpDial, Port: port})
		done <- dialled{file, err}
	}()
	select {
	case d := <-done:
		if d.err != nil {
			return nil, fmt.Errorf("connecting to port %d of %s: %w", port, sandbox, d.err)
		}
		defer d.file.Close()
		return net.FileConn(d.file)
	case <-ctx.Done():
		go func() {
			(<-done).file.Close() // nil, too
		}()
		return nil, fmt.Errorf("connecting to port %d of %s: %w", port, sandbox, ctx.Err())
	}
}

// stream asks for what has streams, and carries them until the answer.
func (r *Runtime) stream(ctx context.Context, sandbox string, request wire.Request, stdio podrun.Stdio) (wire.Response, error) {
	c, err := r.call(sandbox)
	if err != nil {
		return wire.Response{}, err
	}
	defer c.Close()
	p := &pipes{}
	defer p.close()
	if err := p.make(request.Command, stdio); err != nil {
		return wire.Response{}, err
	}
	err = c.Send(request, p.theirs...)
	for _, f := range p.theirs {
		f.Close()
	}
	if err != nil {
		return wire.Response{}, broken(sandbox, err)
	}
	stopped := make(chan struct{})
	defer close(stopped)
	go sizes(c, stdio.Resize, stopped)
	defer context.AfterFunc(ctx, func() { _ = c.SetReadDeadline(time.Unix(1, 0)) })()
	p.run(stdio)
	response, _, err := answer(sandbox, c)
	if ctx.Err() != nil {
		p.abandon()
		return response, ctx.Err()
	}
	return response, errors.Join(err, p.drain())
}

// sizes tells the terminal's.
func sizes(c *wire.Conn, resize <-chan podrun.TerminalSize, stopped <-chan struct{}) {
	for resize != nil {
		select {
		case size, ok := <-resize:
			if !ok || c.Send(wire.Request{Op: wire.OpResize, Size: size}) != nil {
				return
			}
		case <-stopped:
			return
		}
	}
}

// pipes are the streams on their way to a pod.
type pipes struct {
	theirs, ours []*os.File
	in           *os.File
	out          []*os.File
	copying      sync.WaitGroup
	mu           sync.Mutex
	err          error
}

// make makes a pipe for each stream that there is.
func (p *pipes) make(command *wire.Command, stdio podrun.Stdio) error {
	command.Stdin, command.Stdout, command.Stderr = stdio.Stdin != nil, stdio.Stdout != nil, stdio.Stderr != nil && !command.TTY
	for i, wanted := range []bool{command.Stdin, command.Stdout, command.Stderr} {
		if !wanted {
			continue
		}
		r, w, err := os.Pipe()
		if err != nil {
			return err
		}
		theirs, ours := w, r
		if i == 0 {
			theirs, ours = r, w
			p.in = w
		} else {
			p.out = append(p.out, r)
		}
		p.theirs, p.ours = append(p.theirs, theirs), append(p.ours, ours)
		// Programs expect streams that wait.
		if err := unix.SetNonblock(int(theirs.Fd()), false); err != nil {
			return err
		}
	}
	return nil
}

// run begins to copy. What reads Stdin may wait for more than the command's
// end: nobody waits for that.
func (p *pipes) run(stdio podrun.Stdio) {
	if p.in != nil {
		go func() {
			_, _ = io.Copy(p.in, stdio.Stdin)
			p.in.Close()
		}()
	}
	to := []io.Writer{}
	for _, w := range []io.Writer{stdio.Stdout, stdio.Stderr} {
		if w != nil {
			to = append(to, w)
		}
	}
	for i, from := range p.out {
		p.copying.Go(func() {
			_, err := io.Copy(to[i], untilEmpty{from})
			from.Close() // if nobody takes it, the command is told
			p.mu.Lock()
			defer p.mu.Unlock()
			p.err = errors.Join(p.err, err)
		})
	}
}

// drain waits until all that was written has been passed on. Another process
// may hold a pipe open; what it writes later is not waited for.
func (p *pipes) drain() error {
	for _, f := range p.out {
		_ = f.SetReadDeadline(time.Unix(1, 0))
	}
	p.copying.Wait()
	return p.err
}

// abandon stops copying.
func (p *pipes) abandon() {
	for _, f := range p.ours {
		f.Close()
	}
}

func (p *pipes) close() {
	for _, f := range append(p.theirs, p.ours...) {
		f.Close()
	}
}

// untilEmpty reads a pipe until its end, or, after its deadline, until there
// is nothing in it.
type untilEmpty struct{ pipe *os.File }

func (u untilEmpty) Read(p []byte) (int, error) {
	n, err := u.pipe.Read(p)
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		return n, err
	}
	raw, err := u.pipe.SyscallConn()
	if err != nil {
		return 0, err
	}
	failed := raw.Control(func(fd uintptr) { n, err = unix.Read(int(fd), p) })
	switch {
	case failed != nil:
		return 0, failed
	case errors.Is(err, unix.EAGAIN) || err == nil && n == 0:
		return 0, io.EOF
	case err != nil:
		return 0, err
	}
	return n, nil
}
