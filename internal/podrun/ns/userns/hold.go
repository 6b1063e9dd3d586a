//go:build linux

package userns

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/causeway-access/causeway/internal/podrun/ns/wire"
)

// holderSocket is what the holder is started with.
const holderSocket = 3

// order is what a holder is asked for: to run a program, with the files program,
// stdin, stdout, stderr and more; then to send it signals.
type order struct {
	Args   []string       `json:",omitempty"`
	Env    []string       `json:",omitempty"`
	Signal syscall.Signal `json:",omitempty"`
}

// report is what a holder answers: that the program runs, then how it ended.
type report struct {
	Error   string `json:",omitempty"`
	Started bool   `json:",omitempty"`
	Status  int    `json:",omitempty"`
}

// hold is the process that keeps namespaces in being: while there is something
// in the directory busy, or somebody wants a program to run in them. It has one
// program at a time.
func hold(busy string) error {
	f := os.NewFile(holderSocket, "socket")
	l, err := net.FileListener(f)
	if err != nil {
		return fmt.Errorf("listening: %w", err)
	}
	f.Close()
	for {
		c, err := l.(*net.UnixListener).AcceptUnix()
		if err != nil {
			return fmt.Errorf("listening: %w", err)
		}
		attend(&wire.Conn{UnixConn: c})
		if entries, err := os.ReadDir(busy); errors.Is(err, os.ErrNotExist) || err == nil && len(entries) == 0 {
			return nil
		}
	}
}

// attend runs the program that somebody asks for, until it ends or who has asked
// has gone.
func attend(c *wire.Conn) {
	defer c.Close()
	var o order
	files, err := c.Receive(&o)
	if err != nil {
		return
	}
	defer func() {
		for _, f := range files {
			f.Close()
		}
	}()
	if len(files) < 4 || len(o.Args) == 0 {
		_ = c.Send(report{Error: "want a program, its arguments and its standard files"})
		return
	}
	cmd := &exec.Cmd{
		// The asker's program may be newer than this one's.
		Path: fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), files[0].Fd()), Args: o.Args, Env: o.Env, Dir: "/",
		Stdin: files[1], Stdout: files[2], Stderr: files[3], ExtraFiles: files[4:],
	}
	if err := cmd.Start(); err != nil {
		_ = c.Send(report{Error: err.Error()})
		return
	}
	_ = c.Send(report{Started: true}) // who does not hear it has gone
	asked := make(chan struct{})
	go func() {
		defer close(asked)
		follow(c, cmd.Process)
	}()
	_ = cmd.Wait() // the state says it
	_ = c.Send(report{Status: status(cmd.ProcessState)})
	c.Close()
	<-asked
}

// follow sends a program the signals that are asked for, and ends it with who
// asks.
func follow(c *wire.Conn, p *os.Process) {
	for {
		var o order
		files, err := c.Receive(&o)
		for _, f := range files {
			f.Close()
		}
		if err != nil {
			_ = p.Kill() // it may have ended
			return
		}
		_ = p.Signal(o.Signal)
	}
}

// status is that of a shell.
func status(s *os.ProcessState) int {
	if ws, ok := s.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		return 128 + int(ws.Signal())
	}
	return s.ExitCode()
}

// become makes this process another program.
func become(args []string) error { return unix.Exec("/proc/self/exe", args, os.Environ()) }
