package proxy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// patience is how long a server may take to start or to end.
const patience = time.Minute

// server is a running program that others connect to.
type server struct {
	cmd   *exec.Cmd
	log   string // file of what it writes
	ended chan struct{}
	err   error // of Wait; read it after ended
}

// startServer starts a program and waits until ready returns nil. What it
// writes to its outputs goes to the files NAME.out and NAME.log.
func (b *bench) startServer(ctx context.Context, name string, ready func(context.Context) error, program string, args ...string) (*server, error) {
	s := &server{cmd: exec.Command(program, args...), log: filepath.Join(b.Dir, name+".log"), ended: make(chan struct{})}
	for file, output := range map[string]*io.Writer{s.log: &s.cmd.Stderr, b.output(name): &s.cmd.Stdout} {
		opened, err := os.OpenFile(file, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
		if err != nil {
			return nil, err
		}
		defer opened.Close() // the program has its own
		*output = opened
	}
	s.cmd.Dir = b.Dir
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} // nothing stays if bench is killed
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	go func() {
		s.err = s.cmd.Wait()
		close(s.ended)
	}()
	b.servers = append(b.servers, s)
	return s, s.await(ctx, name, ready)
}

// output is the file with what a server writes to its standard output.
func (b *bench) output(name string) string { return filepath.Join(b.Dir, name+".out") }

// listening is ready when something accepts connections at address.
func listening(address string) func(context.Context) error {
	return func(ctx context.Context) error {
		c, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
		if err != nil {
			return err
		}
		return c.Close()
	}
}

// await returns when the server is ready.
func (s *server) await(ctx context.Context, name string, ready func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		err := ready(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("%s is not ready: %w\n%s", name, err, s.tail())
		case <-s.ended:
			return fmt.Errorf("%s ended: %w\n%s", name, s.err, s.tail())
		}
	}
}

// tail is the end of what the server wrote.
func (s *server) tail() string {
	text, err := os.ReadFile(s.log)
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-2000):])
}

// pid is the server's only process.
func (s *server) pid() int { return s.cmd.Process.Pid }

// stop ends the server, if need be by force.
func (s *server) stop() error {
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-s.ended:
		return nil
	case <-time.After(patience):
		return s.cmd.Process.Kill()
	}
}
