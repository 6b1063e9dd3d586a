package ns

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/causeway-access/causeway/internal/podrun"
	"github.com/causeway-access/causeway/internal/podrun/ns/wire"
)

// answered is an error of the init process, with its kind.
type answered struct {
	text string
	kind error
}

func (e *answered) Error() string { return e.text }
func (e *answered) Unwrap() error { return e.kind }

// call connects to the init process of a sandbox.
func (r *Runtime) call(sandbox string) (*wire.Conn, error) {
	if err := valid(sandbox); err != nil {
		return nil, err
	}
	c, err := wire.Dial(r.path(sandbox), wire.Socket)
	if err != nil {
		return nil, fmt.Errorf("asking the init process of %s: %w (%w)", sandbox, podrun.ErrNotReady, err)
	}
	return c, nil
}

// ask sends a request and waits for the answer. The caller closes the
// connection and the file that came with it.
func (r *Runtime) ask(sandbox string, request wire.Request, files ...*os.File) (wire.Response, *os.File, error) {
	c, err := r.call(sandbox)
	if err != nil {
		return wire.Response{}, nil, err
	}
	defer c.Close()
	if err := c.Send(request, files...); err != nil {
		return wire.Response{}, nil, broken(sandbox, err)
	}
	return answer(sandbox, c)
}

// asking is ask for what may take long: it ends with ctx.
func (r *Runtime) asking(ctx context.Context, sandbox string, request wire.Request) error {
	c, err := r.call(sandbox)
	if err != nil {
		return err
	}
	defer c.Close()
	defer context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Unix(1, 0)) })()
	if err := c.Send(request); err != nil {
		return broken(sandbox, err)
	}
	_, _, err = answer(sandbox, c)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// answer reads it.
func answer(sandbox string, c *wire.Conn) (wire.Response, *os.File, error) {
	var response wire.Response
	files, err := c.Receive(&response)
	if err != nil {
		return response, nil, broken(sandbox, err)
	}
	var file *os.File
	if len(files) > 0 {
		file = files[0]
	}
	if response.Error == "" {
		return response, file, nil
	}
	kind := errors.New("failed")
	switch {
	case response.CannotStart:
		kind = podrun.ErrCannotStart
	case response.NotRunning:
		kind = podrun.ErrNotRunning
	}
	return response, nil, &answered{response.Error, kind}
}

// errUnanswered is a request to which no answer comes any more: the init process
// has ended, and with it whatever ran in the pod.
var errUnanswered = errors.New("did not answer")

func broken(sandbox string, err error) error {
	return fmt.Errorf("the init process of %s %w: %w (%w)", sandbox, errUnanswered, podrun.ErrNotReady, err)
}
