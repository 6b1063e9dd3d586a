//go:build linux

// Package proc reads what the kernel tells of processes (proc_pid_stat(5)). It
// is of floor 1.
package proc

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// Stat is what is read of a process.
type Stat struct {
	PID, Parent int
	// Name is the program's, which may have any character.
	Name string
	// State is a letter: Z and X are of processes that have ended.
	State string
	// Birth is when it began, in ticks since the start of the machine: numbers
	// are given anew, but not at the same tick.
	Birth uint64
}

// Read reads /proc/PID/stat.
func Read(pid int) (Stat, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return Stat{}, err
	}
	s, err := parse(string(text))
	if err != nil {
		return Stat{}, fmt.Errorf("reading /proc/%d/stat: %w", pid, err)
	}
	return s, nil
}

// parse reads number, (name), state, parent, and the time of birth as the 22nd
// word. The name may have spaces and brackets.
func parse(text string) (Stat, error) {
	number, rest, found := strings.Cut(text, " (")
	end := strings.LastIndexByte(rest, ')')
	if !found || end < 0 {
		return Stat{}, fmt.Errorf("%q is not as the kernel writes it", text)
	}
	s := Stat{Name: rest[:end]}
	fields := strings.Fields(rest[end+1:])
	if len(fields) < 20 {
		return Stat{}, fmt.Errorf("there are %d words after the name, want 20", len(fields))
	}
	s.State = fields[0]
	var err error
	if s.PID, err = strconv.Atoi(number); err != nil {
		return Stat{}, err
	}
	if s.Parent, err = strconv.Atoi(fields[1]); err != nil {
		return Stat{}, err
	}
	s.Birth, err = strconv.ParseUint(fields[19], 10, 64)
	return s, err
}
