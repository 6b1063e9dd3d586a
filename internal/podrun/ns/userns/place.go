//go:build linux

package userns

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/causeway-access/causeway/internal/podrun/ns/wire"
)

// Place is namespaces that outlast the programs which run in them: a process of
// their own, the holder, keeps them while they are needed. It runs one program
// after the other, so that an agent finds what its predecessor has left.
type Place struct {
	// Dir has the socket of the holder. It is for its owner alone.
	Dir string
	// Busy is the directory that has something in it while the namespaces are
	// needed without a program.
	Busy string
}

// socketName is the holder's in Dir.
const socketName = "namespaces.sock"

// Program is what is to run: this very program, under another name.
type Program struct {
	// Args begin with the name.
	Args []string
	// Stdin, Stdout, Stderr and Extra, which are from descriptor 3 on, stay open
	// here.
	Stdin, Stdout, Stderr *os.File
	Extra                 []*os.File
	// Grace is how long it has to end after SIGTERM.
	Grace time.Duration
}

// Run runs a program to its end. When ctx ends it is told so by SIGTERM, and
// killed if it does not end. It is killed too if this process dies.
func (p Place) Run(ctx context.Context, program Program) error {
	self, err := os.Open("/proc/self/exe")
	if err != nil {
		return err
	}
	defer self.Close()
	files := append([]*os.File{self, program.Stdin, program.Stdout, program.Stderr}, program.Extra...)
	c, err := p.begin(order{Args: program.Args, Env: os.Environ()}, files)
	if err != nil {
		return fmt.Errorf("running a program in namespaces of its own: %w", err)
	}
	defer c.Close()
	defer context.AfterFunc(ctx, func() {
		_ = c.Send(order{Signal: syscall.SIGTERM}) // it may have ended
		_ = c.SetReadDeadline(time.Now().Add(program.Grace))
	})()
	var r report
	if _, err := c.Receive(&r); err != nil {
		return fmt.Errorf("waiting for the program in namespaces of its own: %w", err)
	}
	if r.Status != 0 {
		return fmt.Errorf("it ended with status %d", r.Status)
	}
	return nil
}

// begin has a holder run a program: the one that is there, or else a new one.
func (p Place) begin(o order, files []*os.File) (*wire.Conn, error) {
	c, err := wire.Dial(p.Dir, socketName)
	if err == nil {
		if err = p.ask(c, o, files); err == nil {
			return c, nil
		}
		c.Close()
		if errors.As(err, new(*refused)) {
			return nil, err
		}
	}
	// There is none, or it was about to end.
	if c, err = p.start(); err != nil {
		return nil, err
	}
	if err := p.ask(c, o, files); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// refused is a holder's answer that a program cannot be run.
type refused struct{ why string }

func (r *refused) Error() string { return r.why }

func (Place) ask(c *wire.Conn, o order, files []*os.File) error {
	if err := c.Send(o, files...); err != nil {
		return err
	}
	var r report
	if _, err := c.Receive(&r); err != nil {
		return err
	}
	if !r.Started {
		return &refused{r.Error}
	}
	return nil
}

// start starts a holder and connects to it. It goes on when this process ends,
// and has no part in its terminal.
func (p Place) start() (*wire.Conn, error) {
	if err := os.Remove(filepath.Join(p.Dir, socketName)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	l, err := wire.Listen(p.Dir, socketName)
	if err != nil {
		return nil, err
	}
	defer l.Close()
	socket, err := l.File()
	if err != nil {
		return nil, err
	}
	defer socket.Close()
	cmd := command(context.Background(), []string{holdOn, p.Busy})
	cmd.ExtraFiles, cmd.Dir = []*os.File{socket}, "/"
	cmd.SysProcAttr.Setsid = true
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("making namespaces: %w", err)
	}
	go reap(cmd)
	return wire.Dial(p.Dir, socketName)
}

// reap waits for a child: it may end while this process does not.
func reap(cmd *exec.Cmd) { _ = cmd.Wait() }
