//go:build linux

package pod

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/causeway-access/causeway/internal/podrun"
	"github.com/causeway-access/causeway/internal/podrun/ns/wire"
)

// exec runs a command in a container and returns its status. The command ends
// with the agent's connection.
func (s *server) exec(c *wire.Conn, k *container, command *wire.Command, files []*os.File) (int, error) {
	entry, err := s.groups.Open(s.group(wire.ContainerGroup(k.id)), s.group(wire.Home))
	if err != nil {
		return 0, err
	}
	defer entry.Close()
	p := &program{spec: k.spec, args: command.Args, tty: command.TTY, entry: entry}
	var master *os.File
	var pid int
	var ended <-chan syscall.WaitStatus
	err = onThread(func() error {
		if err := k.join(); err != nil {
			return err
		}
		if command.TTY {
			var slave *os.File
			if master, slave, err = terminal(); err != nil {
				return err
			}
			defer slave.Close()
			p.stdio = [3]*os.File{slave, slave, slave}
		} else {
			p.stdio = assign(command, files)
		}
		pid, ended, err = s.reaper.start(p.start)
		return err
	})
	if err != nil {
		if master != nil {
			master.Close()
		}
		return 0, err
	}
	if master != nil {
		defer master.Close()
		defer relay(master, assign(command, files))()
	} else {
		// The command alone holds the ends of its pipes.
		closeFiles(files)
	}
	cancelled := gone(c, func(size podrun.TerminalSize) {
		if master != nil {
			resize(master, size)
		}
	})
	select {
	case status := <-ended:
		return exitCode(status), nil
	case <-cancelled:
		s.killSession(pid)
		<-ended
		return 137, nil
	}
}

// join brings the calling thread, which is thrown away, into the container.
func (k *container) join() error {
	err := unix.Unshare(unix.CLONE_FS)
	if err == nil {
		err = unix.Setns(int(k.mounts.Fd()), unix.CLONE_NEWNS)
	}
	if err != nil {
		return fmt.Errorf("entering %s: %w (%w)", k.id, podrun.ErrNotRunning, err)
	}
	return nil
}

// assign names the files that came with a command.
func assign(command *wire.Command, files []*os.File) [3]*os.File {
	var stdio [3]*os.File
	for i, wanted := range []bool{command.Stdin, command.Stdout, command.Stderr} {
		if wanted && len(files) > 0 {
			stdio[i], files = files[0], files[1:]
		}
	}
	return stdio
}

// relay joins a terminal and the agent's pipes. The function it returns waits
// until what the terminal showed has been passed on.
func relay(master *os.File, stdio [3]*os.File) func() {
	if stdio[0] != nil {
		in, err := pollable(stdio[0])
		if err == nil {
			go func() {
				_, _ = io.Copy(master, in)
				in.Close()
			}()
		}
	}
	var shown sync.WaitGroup
	if stdio[1] != nil {
		shown.Go(func() { _, _ = io.Copy(stdio[1], master) })
	}
	return func() {
		// It has an end when nobody holds it; what goes on in the background may.
		_ = master.SetReadDeadline(time.Now().Add(2 * time.Second))
		shown.Wait()
		closeFiles(stdio[:])
	}
}

// killSession kills a command and all that it has started.
func (s *server) killSession(leader int) {
	proc := filepath.Join(s.dir, "proc")
	entries, _ := os.ReadDir(proc)
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err == nil && session(filepath.Join(proc, e.Name())) == leader {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}
}

// session is that of the process whose directory in /proc is given; 0 if it
// has gone.
func session(dir string) int {
	data, err := os.ReadFile(filepath.Join(dir, "stat"))
	if err != nil {
		return 0
	}
	// The name, in parentheses, may hold anything; then state, parent, group, session.
	fields := strings.Fields(string(data[strings.LastIndexByte(string(data), ')')+1:]))
	if len(fields) < 4 {
		return 0
	}
	id, _ := strconv.Atoi(fields[3])
	return id
}

// attach joins the agent's pipes and the container's streams until one ends.
func (k *container) attach(c *wire.Conn, command *wire.Command, files []*os.File) error {
	stdio := assign(command, files)
	for i, o := range k.outputs {
		if stdio[i+1] == nil || o == nil {
			continue
		}
		sink, err := pollable(stdio[i+1])
		if err != nil {
			return err
		}
		defer sink.Close()
		o.add(sink)
		defer o.remove(sink)
	}
	if stdio[0] != nil && k.input != nil {
		in, err := pollable(stdio[0])
		if err != nil {
			return err
		}
		defer in.Close()
		go k.input.copy(in)
	}
	cancelled := gone(c, func(size podrun.TerminalSize) {
		if k.master != nil {
			resize(k.master, size)
		}
	})
	select {
	case <-k.done:
	case <-cancelled:
	}
	return nil
}
