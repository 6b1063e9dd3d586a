//go:build linux

package pod

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/causeway-access/causeway/internal/podrun"
	"github.com/causeway-access/causeway/internal/podrun/crilog"
	"github.com/causeway-access/causeway/internal/podrun/ns/wire"
)

// container is one that was started.
type container struct {
	server *server
	id     string
	spec   *wire.Container
	pid    int
	// mounts is its mount namespace, by which its processes are known; identity
	// is what the kernel calls it.
	mounts   *os.File
	identity string

	// done is closed when nothing of it runs and its end is written down.
	done chan struct{}

	input   *input
	outputs [2]*output // stdout, stderr; the terminal is the first
	master  *os.File
	log     *crilog.Writer
	pumps   sync.WaitGroup
}

// startContainer runs a container. When it fails, its state says so.
func (s *server) startContainer(id string, spec *wire.Container, volumes []*os.File) error {
	k := &container{server: s, id: id, spec: spec, done: make(chan struct{})}
	s.mu.Lock()
	if s.containers[id] != nil {
		s.mu.Unlock()
		return fmt.Errorf("%s has been started already", id)
	}
	s.containers[id] = k
	s.mu.Unlock()
	began := time.Now()
	ended, err := k.run(volumes)
	if err != nil {
		k.kill()
		k.pumps.Wait()
		k.closeAll()
		s.forget(id)
		failed := wire.State{
			State: podrun.Exited, Started: began, Finished: time.Now(), ExitCode: 128,
			Reason: podrun.ReasonStartError, Message: err.Error(),
		}
		return errors.Join(err, wire.Save(s.stateFile(id), failed))
	}
	go k.finish(began, ended)
	return nil
}

func (s *server) forget(id string) {
	s.mu.Lock()
	delete(s.containers, id)
	s.mu.Unlock()
}

// run starts the program. Streams are made before, and pumped from then on.
func (k *container) run(volumes []*os.File) (<-chan syscall.WaitStatus, error) {
	group := k.server.group(wire.ContainerGroup(k.id))
	err := k.server.groups.Make(group)
	if err == nil {
		err = k.server.groups.Limit(group, k.spec.Config.Resources)
	}
	if err != nil {
		return nil, err
	}
	entry, err := k.server.groups.Open(group, k.server.group(wire.Home))
	if err != nil {
		return nil, err
	}
	defer entry.Close()
	if path := k.spec.Config.LogPath; path != "" {
		if k.log, err = crilog.Create(path, k.spec.LogMaxSize, k.spec.LogFiles); err != nil {
			return nil, err
		}
	}
	var ended <-chan syscall.WaitStatus
	err = onThread(func() error {
		r := &root{spec: k.spec, volumes: volumes}
		if err := r.enter(k.server.dir); err != nil {
			return fmt.Errorf("%w: %w", podrun.ErrCannotStart, err)
		}
		if err := k.know(); err != nil {
			return err
		}
		stdio, err := k.streams()
		if err != nil {
			return err
		}
		defer closeFiles(stdio[:])
		p := &program{spec: k.spec, args: k.spec.Args, stdio: stdio, tty: k.spec.Config.TTY, entry: entry}
		k.pid, ended, err = k.server.reaper.start(p.start)
		return err
	})
	if err == nil {
		err = wire.Save(k.server.stateFile(k.id), wire.State{State: podrun.Running, Started: time.Now()})
	}
	return ended, err
}

// know notes the calling thread's mounts as the container's.
func (k *container) know() (err error) {
	const link = "/proc/thread-self/ns/mnt"
	if k.identity, err = os.Readlink(link); err == nil {
		k.mounts, err = os.Open(link)
	}
	return err
}

// finish waits for the program's end, ends the rest, and writes it down.
func (k *container) finish(began time.Time, ended <-chan syscall.WaitStatus) {
	status := <-ended
	finished := time.Now()
	k.kill()
	k.drain()
	k.closeAll()
	state := wire.State{
		State: podrun.Exited, Started: began, Finished: finished,
		ExitCode: exitCode(status), Reason: podrun.ReasonCompleted,
	}
	switch {
	case k.server.groups.Kills(k.server.group(wire.ContainerGroup(k.id))) > 0 && status.Signaled():
		state.Reason = podrun.ReasonOOMKilled
	case state.ExitCode != 0:
		state.Reason = podrun.ReasonError
	}
	if err := wire.Save(k.server.stateFile(k.id), state); err != nil {
		fmt.Fprintln(os.Stderr, "a container's end is not written down:", err)
	}
	k.server.forget(k.id)
	close(k.done)
}

// stop ends a container: gracefully at first, then not.
func (k *container) stop(grace time.Duration) {
	if grace > 0 {
		signal := k.spec.Config.StopSignal
		if signal == 0 {
			signal = syscall.SIGTERM
		}
		// One that has just ended needs no signal. Its number is not given to
		// another before it is reaped, and finish has not begun.
		_ = syscall.Kill(k.pid, signal)
		timer := time.NewTimer(grace)
		defer timer.Stop()
		select {
		case <-k.done:
			return
		case <-timer.C:
		}
	}
	k.kill()
	<-k.done
}

// kill ends all that runs in the container's mounts or control group, until
// there is nothing: a process may fork while it is looked for.
func (k *container) kill() {
	for {
		pids := k.processes()
		if len(pids) == 0 {
			return
		}
		for _, pid := range pids {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
		time.Sleep(time.Millisecond)
	}
}

// processes are those of the container which live. This process's own threads
// in the container's mounts are not among them.
func (k *container) processes() []int {
	proc := filepath.Join(k.server.dir, "proc")
	entries, err := os.ReadDir(proc)
	if err != nil || k.identity == "" {
		return nil
	}
	group := k.server.groups.Processes(k.server.group(wire.ContainerGroup(k.id)))
	var pids []int
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil || pid == os.Getpid() {
			continue
		}
		// The dead have no namespaces.
		link, err := os.Readlink(filepath.Join(proc, e.Name(), "ns", "mnt"))
		if err == nil && (link == k.identity || slices.Contains(group, pid)) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// closeAll closes what the container's streams are made of.
func (k *container) closeAll() {
	closeFiles([]*os.File{k.mounts, k.master})
	if k.input != nil {
		k.input.close()
	}
	for _, o := range k.outputs {
		if o != nil {
			closeFiles([]*os.File{o.from})
		}
	}
	if k.log != nil {
		k.log.Close()
	}
}

func closeFiles(files []*os.File) {
	for _, f := range files {
		f.Close() // of nil, too
	}
}
