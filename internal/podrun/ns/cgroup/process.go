//go:build linux

package cgroup

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Join puts a whole process into a group.
func (r Root) Join(group string, pid int) error {
	for _, dir := range r.dirs(group) {
		if err := write(dir, "cgroup.procs", strconv.Itoa(pid)); err != nil {
			return fmt.Errorf("joining a control group: %w", err)
		}
	}
	return nil
}

// Entry is a way for new processes into a group. It works where the groups
// cannot be seen any more.
type Entry struct {
	// tasks are files of version 1, into which a thread is written.
	tasks []*os.File
	// there and home are files of version 2, into which a process is.
	there, home *os.File
}

// Open prepares an entry to group, for a process that is in the group home.
func (r Root) Open(group, home string) (*Entry, error) {
	e := &Entry{}
	var err error
	open := func(dir, name string) *os.File {
		f, failed := os.OpenFile(filepath.Join(dir, name), os.O_WRONLY, 0)
		err = errors.Join(err, failed)
		return f
	}
	if r.unified != "" {
		e.there, e.home = open(filepath.Join(r.unified, group), "cgroup.procs"), open(filepath.Join(r.unified, home), "cgroup.procs")
	} else {
		for _, dir := range r.dirs(group) {
			e.tasks = append(e.tasks, open(dir, "tasks"))
		}
	}
	if err != nil {
		e.Close()
		return nil, fmt.Errorf("opening a control group: %w", err)
	}
	return e, nil
}

// Close closes the files; nil ones are no harm.
func (e *Entry) Close() {
	for _, f := range append(e.tasks, e.there, e.home) {
		f.Close()
	}
}

// Within runs f, which starts a process, such that the process is in the group
// from its first moment. It is called on a locked thread, which is thrown away
// after it; no two of a process at a time.
//
// Version 1 moves single threads. Version 2 does not: there the whole caller
// goes over and comes back, and a process inherits the group at its birth.
func (e *Entry) Within(f func() error) error {
	if e.there != nil {
		if _, err := e.there.WriteString("0"); err != nil {
			return fmt.Errorf("joining a control group: %w", err)
		}
		defer e.home.WriteString("0")
		return f()
	}
	for _, tasks := range e.tasks {
		if _, err := tasks.WriteString(strconv.Itoa(unix.Gettid())); err != nil {
			return fmt.Errorf("joining a control group: %w", err)
		}
	}
	return f()
}

// Processes lists those of a group as the caller numbers them.
func (r Root) Processes(group string) []int {
	var pids []int
	for _, dir := range r.dirs(group) {
		text, _ := read(dir, "cgroup.procs")
		for line := range strings.Lines(text) {
			if pid, err := strconv.Atoi(strings.TrimSpace(line)); err == nil && pid > 0 && !slices.Contains(pids, pid) {
				pids = append(pids, pid)
			}
		}
	}
	return pids
}
