package stepwise

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"

	"golang.org/x/sys/unix"
)

// name is that by which a test binary is called to become the program.
const name = "causeway-stepwise"

// Descriptors of the process that becomes the program.
const (
	saysFile  = 3 // is told where the listener is
	hearsFile = 4 // says that the test has it
)

// Main is the whole process if it is called to become a program that is run
// stepwise: then it does not return.
func Main(args []string) {
	if len(args) < 3 || args[0] != name {
		return
	}
	fmt.Fprintln(os.Stderr, "error:", become(args[1], args[2:]))
	os.Exit(1)
}

// become makes this process a program whose steps are heard of. Only the thread
// that is filtered goes on in it.
func become(path string, args []string) error {
	runtime.LockOSThread()
	says, hears := os.NewFile(saysFile, "says"), os.NewFile(hearsFile, "hears")
	unix.CloseOnExec(saysFile)
	unix.CloseOnExec(hearsFile)
	listener, err := install()
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintln(says, os.Getpid(), listener); err != nil {
		return err
	}
	if _, err := hears.Read(make([]byte, 1)); err != nil {
		return fmt.Errorf("waiting for the test: %w", err)
	}
	return unix.Exec(path, args, os.Environ())
}

// Run is a program that runs so.
type Run struct {
	before func(Step) (kill bool)
	pid    int
	given  []*os.File // the program's ends of the pipes
	done   chan struct{}
	err    error // read it after done
}

// Prepare has cmd, which is to be started next, run stepwise. before is called with
// each step of the program and of what it has started, one at a time, and they wait
// for it: if it returns true the program is killed, and the step not taken if it is
// the program's own.
func Prepare(cmd *exec.Cmd, before func(Step) (kill bool)) (*Run, error) {
	if cmd.Err != nil {
		return nil, cmd.Err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	said, says, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	hears, tell, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(err, said.Close(), says.Close())
	}
	cmd.Args = append([]string{name, cmd.Path}, cmd.Args...)
	r := &Run{before: before, given: []*os.File{says, hears}, done: make(chan struct{})}
	cmd.Path, cmd.ExtraFiles = self, r.given
	go func() {
		defer close(r.done)
		listener, err := r.take(said, tell)
		if err = errors.Join(err, said.Close(), tell.Close()); err == nil {
			err = r.serve(listener)
		}
		r.err = err
	}()
	return r, nil
}

// Started is called when cmd has been started, or could not be.
func (r *Run) Started() {
	for _, f := range r.given {
		f.Close()
	}
}

// Left is closed when nothing of the program is left, nor of what it has started.
func (r *Run) Left() <-chan struct{} { return r.done }

// Err is what went wrong, for when nothing is left.
func (r *Run) Err() error { return r.err }

// take waits for the process and takes the listener from it.
func (r *Run) take(said, tell *os.File) (listener int, err error) {
	var number int
	if _, err := fmt.Fscanln(said, &r.pid, &number); err != nil {
		return 0, fmt.Errorf("waiting for the program: %w", err)
	}
	process, err := unix.PidfdOpen(r.pid, 0)
	if err != nil {
		return 0, fmt.Errorf("opening the process %d: %w", r.pid, err)
	}
	defer unix.Close(process)
	if listener, err = unix.PidfdGetfd(process, number, 0); err != nil {
		return 0, fmt.Errorf("taking the listener of the process %d: %w", r.pid, err)
	}
	_, err = tell.Write([]byte{1})
	return listener, err
}
