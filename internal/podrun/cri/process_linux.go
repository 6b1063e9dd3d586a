package cri

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
	pb "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/causeway-access/causeway/internal/podrun"
	"github.com/causeway-access/causeway/internal/podrun/ns/cgroup"
)

// runner is a container that runs, and its first process: zero if the runtime
// does not tell of one on this machine.
type runner struct {
	podrun.Container
	pid int
}

func (r *Runtime) runs(ctx context.Context, id string) (runner, error) {
	response, err := r.runtime.ContainerStatus(ctx, &pb.ContainerStatusRequest{ContainerId: id, Verbose: true})
	if err != nil {
		return runner{}, plain(err)
	}
	c, err := containerOf(response.GetStatus())
	if err == nil && c.State != podrun.Running {
		err = podrun.ErrNotRunning
	}
	var info struct{ PID int }
	// containerd and CRI-O tell it there. It is asked for no other use.
	_ = json.Unmarshal([]byte(response.GetInfo()["info"]), &info)
	return runner{c, info.PID}, err
}

// executions know the commands that are executed in containers. CRI has no
// call that ends one, and runtimes let them go on when who asked has gone.
type executions struct {
	mu sync.Mutex
	// beginning has who begins a command in a container: one at a time, so
	// that it is known whose process it is that has come.
	beginning map[string]*turn
}

// turn is taken by putting something into it.
type turn struct {
	taken chan struct{}
	users int
}

// execution is one command.
type execution struct {
	ended chan struct{}
	// found gets the command's process, if there was one.
	found chan process
}

// longestLook is how long it is looked for the process of a command.
const longestLook = 30 * time.Second

// begin looks for the process of a command that is about to be started in a
// container, whose first process is init. One of its methods is called once.
func (e *executions) begin(ctx context.Context, container string, init int) *execution {
	x := &execution{ended: make(chan struct{}), found: make(chan process, 1)}
	if init == 0 {
		close(x.found)
		return x
	}
	leave := e.enter(ctx, container)
	before := roots(init)
	go func() {
		defer leave()
		x.look(init, before)
	}()
	return x
}

// enter waits until nobody else begins a command in a container, or ctx ends.
func (e *executions) enter(ctx context.Context, container string) func() {
	e.mu.Lock()
	if e.beginning == nil {
		e.beginning = map[string]*turn{}
	}
	t := e.beginning[container]
	if t == nil {
		t = &turn{taken: make(chan struct{}, 1)}
		e.beginning[container] = t
	}
	t.users++
	e.mu.Unlock()
	mine := false
	select {
	case t.taken <- struct{}{}:
		mine = true
	case <-ctx.Done():
	}
	return func() {
		if mine {
			<-t.taken
		}
		e.mu.Lock()
		defer e.mu.Unlock()
		if t.users--; t.users == 0 {
			delete(e.beginning, container)
		}
	}
}

// look finds the process that was not there before, or that the command has ended.
func (x *execution) look(init int, before []process) {
	defer close(x.found)
	timeout := time.After(longestLook)
	var last []process
	for wait := 5 * time.Millisecond; ; wait = min(2*wait, 100*time.Millisecond) {
		select {
		case <-x.ended:
			return
		case <-timeout:
			return
		case <-time.After(wait):
		}
		now := roots(init)
		for _, p := range now {
			// Helpers of the start come and go: it stays.
			if !slices.Contains(before, p) && slices.Contains(last, p) {
				x.found <- p
				return
			}
		}
		last = now
	}
}

// end says that the command has ended.
func (x *execution) end() { close(x.ended) }

// kill ends the command and what it has started, as soon as it is known.
func (x *execution) kill() {
	go func() {
		if p, ok := <-x.found; ok {
			p.killAll()
		}
	}()
}

// process is one of the machine's, and known from a later one of its number.
type process struct {
	pid   int
	began string
}

// stat is what is read of a process.
type stat struct {
	process
	parent int
	name   string
}

// roots are the processes of a container that no other of it has started, but
// its first one: commands that are executed in it.
func roots(init int) []process {
	all := members(init)
	var roots []process
	for _, s := range all {
		inside := slices.ContainsFunc(all, func(o stat) bool { return o.pid == s.parent })
		if !inside && s.pid != init && !strings.HasPrefix(s.name, "runc:[") {
			roots = append(roots, s.process)
		}
	}
	return roots
}

// members are all processes in a process' control group.
func members(pid int) []stat {
	data, err := os.ReadFile(filepath.Join(groupOf(pid), "cgroup.procs"))
	if err != nil {
		return nil
	}
	var all []stat
	for line := range strings.Lines(string(data)) {
		if number, err := strconv.Atoi(strings.TrimSpace(line)); err == nil {
			if s, err := readStat(number); err == nil {
				all = append(all, s)
			}
		}
	}
	return all
}

// groupOf is the directory of a process' control group: that of version 1
// which counts processes, or that of version 2.
func groupOf(pid int) string {
	file, err := os.Open(fmt.Sprintf("/proc/%d/cgroup", pid))
	if err != nil {
		return ""
	}
	defer file.Close()
	dir := ""
	for lines := bufio.NewScanner(file); lines.Scan(); {
		parts := strings.SplitN(lines.Text(), ":", 3)
		switch {
		case len(parts) < 3:
		case parts[1] == "pids":
			return filepath.Join(cgroup.Mountpoint, "pids", parts[2])
		case parts[0] == "0":
			dir = filepath.Join(cgroup.Mountpoint, parts[2])
		}
	}
	return dir
}

// readStat reads /proc/PID/stat: number, (name), state, parent, and the time
// of birth as the 22nd. The name may have spaces and brackets.
func readStat(pid int) (stat, error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return stat{}, err
	}
	text := string(data)
	from, to := strings.IndexByte(text, '('), strings.LastIndexByte(text, ')')
	if from < 0 || to < from {
		return stat{}, errors.New("it is not as the kernel writes it")
	}
	fields := strings.Fields(text[to+1:])
	if len(fields) < 20 {
		return stat{}, errors.New("it is shorter than the kernel writes it")
	}
	parent, err := strconv.Atoi(fields[1])
	return stat{process{pid, fields[19]}, parent, text[from+1 : to]}, err
}

// killAll kills a process and those that it has started, and they.
func (p process) killAll() {
	all := members(p.pid)
	doomed := []process{p}
	for i := 0; i < len(doomed); i++ {
		for _, s := range all {
			if s.parent == doomed[i].pid {
				doomed = append(doomed, s.process)
			}
		}
	}
	for _, d := range doomed {
		d.kill()
	}
}

// kill kills a process, and no later one of its number: what is opened is the
// process, and then it is looked which one it is.
func (p process) kill() {
	fd, err := unix.PidfdOpen(p.pid, 0)
	if err != nil {
		return // it has ended
	}
	defer unix.Close(fd)
	if s, err := readStat(p.pid); err == nil && s.process == p {
		_ = unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0)
	}
}
