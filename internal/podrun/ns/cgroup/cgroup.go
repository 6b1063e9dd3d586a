//go:build linux

package cgroup

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Mountpoint is where control groups are looked for.
const Mountpoint = "/sys/fs/cgroup"

// used are the controllers of version 1 that are used, used2 those of version 2.
var (
	used  = []string{"cpu", "cpuacct", "memory", "pids"}
	used2 = []string{"cpu", "memory", "pids"}
)

// Root is where control groups are made. The zero value makes none.
type Root struct {
	// unified is the directory of version 2, below top, where that is mounted.
	unified, top string
	// controllers of version 1, by name.
	controllers map[string]string
}

// Find looks at mountpoint. The groups are made below parent, a relative path.
// A hierarchy that this process may not change, as that of an ordinary user, is
// as one that is not there.
func Find(mountpoint, parent string) Root {
	if _, err := os.Stat(filepath.Join(mountpoint, "cgroup.controllers")); err == nil {
		if unified := filepath.Join(mountpoint, parent); writable(unified) {
			return Root{unified: unified, top: mountpoint}
		}
		return Root{}
	}
	r := Root{controllers: map[string]string{}}
	for _, c := range used {
		dir := filepath.Join(mountpoint, c)
		if _, err := os.Stat(filepath.Join(dir, "tasks")); err == nil && writable(filepath.Join(dir, parent)) {
			r.controllers[c] = filepath.Join(dir, parent)
		}
	}
	return r
}

// writable reports whether this process may make dir, or groups in it.
func writable(dir string) bool {
	for {
		err := unix.Faccessat(unix.AT_FDCWD, dir, unix.W_OK, unix.AT_EACCESS)
		if parent := filepath.Dir(dir); errors.Is(err, fs.ErrNotExist) && parent != dir {
			dir = parent
			continue
		}
		return err == nil
	}
}

// Missing names what cannot be limited, for the node's conditions.
func (r Root) Missing() []string {
	var missing []string
	if r.unified != "" {
		for _, c := range used2 {
			if !r.given("", c) {
				missing = append(missing, c)
			}
		}
		return missing
	}
	for _, c := range used {
		if r.controllers[c] == "" {
			missing = append(missing, c)
		}
	}
	return missing
}

// dirs are the directories of a group in each hierarchy, without doubles:
// cpu and cpuacct are often one.
func (r Root) dirs(group string) []string {
	if r.unified != "" {
		return []string{filepath.Join(r.unified, group)}
	}
	var dirs []string
	for _, c := range used {
		if dir := r.controllers[c]; dir != "" {
			dirs = append(dirs, filepath.Join(dir, group))
		}
	}
	return dirs
}

// Make makes a group with its parents.
func (r Root) Make(group string) error {
	for _, dir := range r.dirs(group) {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return fmt.Errorf("making the control group %s: %w", dir, err)
		}
	}
	if r.unified == "" {
		return nil
	}
	handDown(r.top, filepath.Dir(filepath.Join(r.unified, group)))
	return nil
}

// Remove removes a group and all below it. Its processes have ended, or the
// kernel refuses; as it does for a moment after their end.
func (r Root) Remove(group string) error {
	var errs []error
	for _, dir := range r.dirs(group) {
		errs = append(errs, removeAll(dir))
	}
	return errors.Join(errs...)
}

func removeAll(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, e := range entries {
		if e.IsDir() {
			if err := removeAll(filepath.Join(dir, e.Name())); err != nil {
				return err
			}
		}
	}
	for wait := time.Millisecond; ; wait *= 2 {
		err := os.Remove(dir)
		if err == nil || errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if wait > 4*time.Second {
			return fmt.Errorf("removing a control group: %w", err)
		}
		time.Sleep(wait)
	}
}

// Groups lists the groups right below the root.
func (r Root) Groups() []string {
	var groups []string
	for _, dir := range r.dirs("") {
		entries, err := os.ReadDir(dir)
		if err != nil {
			continue
		}
		for _, e := range entries {
			if e.IsDir() && !slices.Contains(groups, e.Name()) {
				groups = append(groups, e.Name())
			}
		}
	}
	return groups
}

func write(dir, file, value string) error {
	return os.WriteFile(filepath.Join(dir, file), []byte(value), 0)
}

func read(dir, file string) (string, error) {
	data, err := os.ReadFile(filepath.Join(dir, file))
	return strings.TrimSpace(string(data)), err
}
