package walkthrough

import (
	"bytes"
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"sync"
	"syscall"
	"time"
)

// patience bounds every wait for a program. It is long because the programs
// are built with the race detector and may share two cores with others; what
// is waited for is noticed at once.
const patience = 4 * time.Minute

// server is a program that runs in the background.
type server struct {
	cmd    *exec.Cmd
	output *transcript
	ended  chan struct{}
	err    error // of Wait; read it after ended
}

// startServer starts cmd and returns when what it writes matches ready, with
// the match. If the program ends first, or patience does, it is an error.
func startServer(cmd *exec.Cmd, ready *regexp.Regexp) (*server, []string, error) {
	s := &server{cmd: cmd, output: &transcript{ready: ready, found: make(chan []string, 1)}, ended: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = s.output, s.output
	cmd.WaitDelay = patience
	if err := cmd.Start(); err != nil {
		return nil, nil, err
	}
	go func() {
		s.err = cmd.Wait()
		close(s.ended)
	}()
	select {
	case match := <-s.output.found:
		return s, match, nil
	case <-s.ended:
		return s, nil, fmt.Errorf("%v ended (%v) before it was ready:\n%s", cmd.Args, s.err, s.output)
	case <-time.After(patience):
		err := fmt.Errorf("%v was not ready after %v:\n%s", cmd.Args, patience, s.output)
		return s, nil, errors.Join(err, s.kill())
	}
}

// stop sends SIGTERM and returns an error unless the program ends with status 0.
func (s *server) stop() error {
	if err := s.end(syscall.SIGTERM); err != nil {
		return err
	}
	if s.err != nil {
		return fmt.Errorf("%v ended with %w:\n%s", s.cmd.Args, s.err, s.output)
	}
	return nil
}

// kill ends the program as a power cut does.
func (s *server) kill() error { return s.end(syscall.SIGKILL) }

func (s *server) end(signal syscall.Signal) error {
	// It may have ended by itself already; Wait tells.
	if err := s.cmd.Process.Signal(signal); err != nil && !s.over() {
		return err
	}
	select {
	case <-s.ended:
		return nil
	case <-time.After(patience):
		return fmt.Errorf("%v did not end within %v of %v:\n%s", s.cmd.Args, patience, signal, s.output)
	}
}

// over says whether the program has ended.
func (s *server) over() bool {
	select {
	case <-s.ended:
		return true
	default:
		return false
	}
}

// transcript keeps what a program writes and looks for a sign in it.
type transcript struct {
	ready *regexp.Regexp
	found chan []string // gets the first match

	mu   sync.Mutex
	text bytes.Buffer
	done bool
}

// Write implements [io.Writer].
func (t *transcript) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text.Write(p)
	if t.done {
		return len(p), nil
	}
	whole := t.text.Bytes()[:bytes.LastIndexByte(t.text.Bytes(), '\n')+1]
	if match := t.ready.FindSubmatch(whole); match != nil {
		t.done = true
		words := make([]string, len(match))
		for i, m := range match {
			words[i] = string(m)
		}
		t.found <- words
	}
	return len(p), nil
}

func (t *transcript) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.String()
}
