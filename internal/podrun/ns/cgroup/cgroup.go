//go:build linux

package cgroup

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/causeway-access/causeway/internal/podrun"
)

// Mountpoint is where control groups are looked for.
const Mountpoint = "/sys/fs/cgroup"

// used are the controllers of version 1 that are used.
var used = []string{"cpu", "cpuacct", "memory", "pids"}

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
	if r.unified != "" {
		return nil
	}
	var missing []string
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

// handDown has each group of version 2 from top down to another give its children
// the controllers that are used: it can give those alone that its own parent has
// given it.
func handDown(top, to string) {
	if to != top {
		handDown(top, filepath.Dir(to))
	}
	for _, c := range []string{"+cpu", "+memory", "+pids"} {
		// A controller that is not there is one that Limit says is missing.
		_ = write(to, "cgroup.subtree_control", c)
	}
}

// Limit sets what a group may use.
func (r Root) Limit(group string, res podrun.Resources) error {
	settings := r.version1(res)
	if r.unified != "" {
		settings = version2(res)
	}
	for _, s := range settings {
		dir := filepath.Join(r.unified, group)
		if r.unified == "" {
			if r.controllers[s.controller] == "" {
				continue
			}
			dir = filepath.Join(r.controllers[s.controller], group)
		}
		err := write(dir, s.file, s.value)
		if s.optional && err != nil {
			continue
		}
		if err != nil {
			return fmt.Errorf("limiting a control group: %w", err)
		}
	}
	return nil
}

type setting struct {
	controller, file, value string
	// optional is what not every kernel has.
	optional bool
}

// period is how often the share of processors is counted anew, in microseconds.
const period = 100_000

func (r Root) version1(res podrun.Resources) []setting {
	var s []setting
	if res.MilliCPU > 0 {
		s = append(s, setting{"cpu", "cpu.cfs_period_us", strconv.Itoa(period), false},
			setting{"cpu", "cpu.cfs_quota_us", strconv.FormatInt(quota(res.MilliCPU), 10), false})
	}
	if res.CPUShares > 0 {
		s = append(s, setting{"cpu", "cpu.shares", strconv.FormatInt(max(2, res.CPUShares), 10), false})
	}
	if res.Memory > 0 {
		memory := strconv.FormatInt(res.Memory, 10)
		s = append(s, setting{"memory", "memory.limit_in_bytes", memory, false},
			setting{"memory", "memory.memsw.limit_in_bytes", memory, true})
	}
	if res.Processes > 0 {
		s = append(s, setting{"pids", "pids.max", strconv.FormatInt(res.Processes, 10), false})
	}
	return s
}

func version2(res podrun.Resources) []setting {
	var s []setting
	if res.MilliCPU > 0 {
		s = append(s, setting{"", "cpu.max", fmt.Sprintf("%d %d", quota(res.MilliCPU), period), false})
	}
	if res.CPUShares > 0 {
		// 2..262144 to 1..10000, as KEP-2254 has it.
		weight := 1 + (min(262144, max(2, res.CPUShares))-2)*9999/262142
		s = append(s, setting{"", "cpu.weight", strconv.FormatInt(weight, 10), false})
	}
	if res.Memory > 0 {
		s = append(s, setting{"", "memory.max", strconv.FormatInt(res.Memory, 10), false},
			setting{"", "memory.swap.max", "0", true})
	}
	if res.Processes > 0 {
		s = append(s, setting{"", "pids.max", strconv.FormatInt(res.Processes, 10), false})
	}
	return s
}

// quota is the part of a period that thousandths of a processor are; the
// kernel takes no less than a millisecond.
func quota(milli int64) int64 { return max(1000, milli*period/1000) }

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
