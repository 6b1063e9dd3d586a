//go:build linux

package pod

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"sync"

	"github.com/causeway-access/causeway/internal/podrun"
	"github.com/causeway-access/causeway/internal/podrun/ns/cgroup"
	"github.com/causeway-access/causeway/internal/podrun/ns/wire"
)

// server answers the agent.
type server struct {
	dir    string
	setup  wire.Setup
	groups cgroup.Root
	reaper reaper

	mu         sync.Mutex
	containers map[string]*container
}

// group is a control group of the pod.
func (s *server) group(name string) string { return path.Join(s.setup.Cgroup, name) }

func (s *server) serve(l *net.UnixListener) {
	for {
		c, err := l.AcceptUnix()
		if err != nil {
			fmt.Fprintln(os.Stderr, "accepting a connection of the agent:", err)
			return
		}
		go s.answer(&wire.Conn{UnixConn: c})
	}
}

// answer does what one connection asks for.
func (s *server) answer(c *wire.Conn) {
	defer c.Close()
	var request wire.Request
	files, err := c.Receive(&request)
	if err != nil {
		return // an agent that has died, or tried whether somebody is here
	}
	defer func() {
		for _, f := range files {
			f.Close()
		}
	}()
	response, reply, err := s.do(c, request, files)
	if err != nil {
		response = wire.Response{
			Error:       err.Error(),
			CannotStart: errors.Is(err, podrun.ErrCannotStart),
			NotRunning:  errors.Is(err, podrun.ErrNotRunning),
		}
	}
	// The agent may have gone: what was done stays done.
	if reply != nil {
		_ = c.Send(response, reply)
		reply.Close()
		return
	}
	_ = c.Send(response)
}

func (s *server) do(c *wire.Conn, r wire.Request, files []*os.File) (response wire.Response, reply *os.File, err error) {
	if r.Op == wire.OpDial {
		reply, err = dial(r.Port)
		return response, reply, err
	}
	if r.Op == wire.OpStart {
		return response, nil, s.startContainer(r.ID, r.Container, files)
	}
	s.mu.Lock()
	k := s.containers[r.ID]
	s.mu.Unlock()
	if k == nil {
		return response, nil, fmt.Errorf("%s: %w", r.ID, podrun.ErrNotRunning)
	}
	switch r.Op {
	case wire.OpStop:
		k.stop(r.Grace)
	case wire.OpWait:
		select {
		case <-k.done:
		case <-gone(c, nil):
		}
	case wire.OpExec:
		response.Exit, err = s.exec(c, k, r.Command, files)
	case wire.OpAttach:
		err = k.attach(c, r.Command, files)
	default:
		err = fmt.Errorf("there is no operation %q", r.Op)
	}
	return response, nil, err
}

// gone reads what else comes on a connection and closes the channel when the
// agent has. It tells sizes of a terminal to f.
func gone(c *wire.Conn, f func(podrun.TerminalSize)) <-chan struct{} {
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			var r wire.Request
			if _, err := c.Receive(&r); err != nil {
				return
			}
			if r.Op == wire.OpResize && f != nil {
				f(r.Size)
			}
		}
	}()
	return done
}

// dial connects to a port of the pod, by IPv4 or IPv6.
func dial(port uint16) (*os.File, error) {
	c, err := net.Dial("tcp", net.JoinHostPort("localhost", strconv.Itoa(int(port))))
	if err != nil {
		// localhost may not be known here; the address is.
		if c, err = net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err != nil {
			return nil, err
		}
	}
	defer c.Close()
	return c.(*net.TCPConn).File()
}

// stateFile is where a container's state is written for every agent to come.
func (s *server) stateFile(id string) string {
	return filepath.Join(s.dir, wire.ContainersDir, id, wire.StateFile)
}
