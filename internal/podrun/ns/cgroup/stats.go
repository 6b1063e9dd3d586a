//go:build linux

package cgroup

import (
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/causeway-access/causeway/internal/podrun"
)

// Stats reads what a group and those below it use. What cannot be read is zero.
func (r Root) Stats(group string) podrun.Stats {
	if r.unified != "" {
		dir := filepath.Join(r.unified, group)
		return podrun.Stats{
			CPU:       time.Duration(field(dir, "cpu.stat", "usage_usec")) * time.Microsecond,
			Memory:    less(number(dir, "memory.current"), field(dir, "memory.stat", "inactive_file")),
			Processes: number(dir, "pids.current"),
		}
	}
	in := func(controller string) string {
		if r.controllers[controller] == "" {
			return ""
		}
		return filepath.Join(r.controllers[controller], group)
	}
	return podrun.Stats{
		CPU:       time.Duration(number(in("cpuacct"), "cpuacct.usage")),
		Memory:    less(number(in("memory"), "memory.usage_in_bytes"), field(in("memory"), "memory.stat", "total_inactive_file")),
		Processes: number(in("pids"), "pids.current"),
	}
}

// Kills counts the processes of a group that were killed for its memory limit.
func (r Root) Kills(group string) uint64 {
	if r.unified != "" {
		return field(filepath.Join(r.unified, group), "memory.events", "oom_kill")
	}
	if r.controllers["memory"] == "" {
		return 0
	}
	return field(filepath.Join(r.controllers["memory"], group), "memory.oom_control", "oom_kill")
}

func less(a, b uint64) uint64 { return a - min(a, b) }

func number(dir, file string) uint64 {
	text, _ := read(dir, file)
	n, _ := strconv.ParseUint(text, 10, 64)
	return n
}

// field reads one of a file's lines of a name and a number.
func field(dir, file, name string) uint64 {
	text, _ := read(dir, file)
	for line := range strings.Lines(text) {
		if key, value, _ := strings.Cut(strings.TrimSpace(line), " "); key == name {
			n, _ := strconv.ParseUint(value, 10, 64)
			return n
		}
	}
	return 0
}
