package proc

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// CPU is the time that the threads of a process have run so far, in user and
// kernel mode. It is the scheduler's own clock, in nanoseconds: /proc/PID/stat
// counts in hundredths of a second. Threads that have ended are not in it.
func CPU(pid int) (time.Duration, error) {
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	if err != nil {
		return 0, err
	}
	if len(tasks) == 0 {
		return 0, fmt.Errorf("process %d has no thread: it has ended", pid)
	}
	var sum time.Duration
	for _, task := range tasks {
		text, err := os.ReadFile(task)
		if errors.Is(err, fs.ErrNotExist) {
			continue // a thread that ended meanwhile
		}
		if err != nil {
			return 0, err
		}
		ran, _, _ := strings.Cut(string(text), " ")
		ns, err := strconv.ParseInt(ran, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("read %s: %w", task, err)
		}
		sum += time.Duration(ns)
	}
	return sum, nil
}

// Kernel is the time that a process has spent in the kernel so far, in
// hundredths of a second, with that of threads that have ended.
func Kernel(pid int) (time.Duration, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	return parseKernel(string(text))
}

// parseKernel reads stime of /proc/PID/stat (proc_pid_stat(5)): the 13th word
// after the name, which is in brackets and may have any character.
func parseKernel(text string) (time.Duration, error) {
	words := strings.Fields(text[strings.LastIndexByte(text, ')')+1:])
	if len(words) < 13 {
		return 0, errors.New("read the times of a process: there are too few words")
	}
	n, err := strconv.ParseInt(words[12], 10, 54)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("read the times of a process: %q is no number of ticks", words[12])
	}
	return time.Duration(n) * tick, nil
}

// Memory is what a process has in memory, in bytes.
type Memory struct {
	// Resident is all of it, with the binary's pages; Peak its highest value
	// since ResetPeak; Own what no file backs.
	Resident, Peak, Own int64
}

// MemoryOf reads the memory of a process.
func MemoryOf(pid int) (Memory, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return Memory{}, err
	}
	return parseStatus(string(text))
}

// parseStatus reads /proc/PID/status (proc_pid_status(5)).
func parseStatus(text string) (Memory, error) {
	var m Memory
	fields := map[string]*int64{"VmRSS": &m.Resident, "VmHWM": &m.Peak, "RssAnon": &m.Own}
	found := 0
	for line := range strings.Lines(text) {
		name, rest, _ := strings.Cut(line, ":")
		field := fields[name]
		if field == nil {
			continue
		}
		kB, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 54)
		if err != nil {
			return Memory{}, fmt.Errorf("read %s of a process: %w", name, err)
		}
		*field = kB * 1024
		found++
	}
	if found < len(fields) {
		return Memory{}, errors.New("read the memory of a process: it has ended, or the kernel does not tell")
	}
	return m, nil
}

// ResetPeak sets the peak of a process's memory to what it has now (proc(5),
// clear_refs).
func ResetPeak(pid int) error {
	return os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", pid), []byte("5"), 0)
}
