package cri

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/causeway-access/causeway/internal/podrun/ns/cgroup"
	"github.com/causeway-access/causeway/internal/podrun/proc"
)

// process is one of the machine's, and known from a later one of its number.
type process struct {
	pid   int
	birth uint64
}

// roots are the processes of a container that no other of it has started, but
// its first one: commands that are executed in it.
func roots(init int) []process {
	all := members(init)
	var roots []process
	for _, s := range all {
		inside := slices.ContainsFunc(all, func(o proc.Stat) bool { return o.PID == s.Parent })
		if !inside && s.PID != init && !strings.HasPrefix(s.Name, "runc:[") {
			roots = append(roots, process{s.PID, s.Birth})
		}
	}
	return roots
}

// members are all processes in a process' control group.
func members(pid int) []proc.Stat {
	data, err := os.ReadFile(filepath.Join(groupOf(pid), "cgroup.procs"))
	if err != nil {
		return nil
	}
	var all []proc.Stat
	for line := range strings.Lines(string(data)) {
		if number, err := strconv.Atoi(strings.TrimSpace(line)); err == nil {
			if s, err := proc.Read(number); err == nil {
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

// killAll kills a process and those that it has started, and they.
func (p process) killAll() {
	all := members(p.pid)
	doomed := []process{p}
	for i := 0; i < len(doomed); i++ {
		for _, s := range all {
			if s.Parent == doomed[i].pid {
				doomed = append(doomed, process{s.PID, s.Birth})
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
	if s, err := proc.Read(p.pid); err == nil && s.Birth == p.birth {
		_ = unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0)
	}
}
