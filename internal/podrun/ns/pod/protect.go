//go:build linux

package pod

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// hiddenFiles of the kernel tell about the node, or change it.
var hiddenFiles = []string{
	"/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/timer_list", "/proc/timer_stats",
	"/proc/sched_debug", "/proc/kallsyms", "/proc/kmsg", "/proc/kpagecount", "/proc/kpageflags",
}

// hiddenDirs are as hiddenFiles.
var hiddenDirs = []string{"/proc/acpi", "/proc/scsi", "/sys/firmware", "/sys/fs/selinux", "/sys/kernel/debug", "/sys/dev/block"}

// fixed may be read only.
var fixed = []string{"/proc/asound", "/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"}

// protect takes away what a container must not see or change.
func (r *root) protect() error {
	for _, dir := range r.spec.Hidden {
		if err := hide(dir); err != nil {
			return err
		}
	}
	security := r.spec.Config.Security
	if !security.Privileged {
		for _, path := range append(hiddenFiles, hiddenDirs...) {
			if err := hide(path); err != nil {
				return err
			}
		}
		for _, path := range fixed {
			if err := readOnlyPart(path); err != nil {
				return err
			}
		}
	}
	if !security.ReadOnlyRoot {
		return nil
	}
	attr := unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY}
	if err := unix.MountSetattr(unix.AT_FDCWD, "/", 0, &attr); err != nil {
		return fmt.Errorf("making the root read-only: %w", err)
	}
	for _, part := range r.parts {
		if err := unix.MountSetattr(int(part.Fd()), "", unix.AT_EMPTY_PATH, &attr); err != nil {
			return fmt.Errorf("making %s read-only: %w", part.Name(), err)
		}
	}
	return nil
}

// hide covers a directory by an empty one, a file by /dev/null. What is not
// there needs no cover.
func hide(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return nil //nolint:nilerr // nothing is there to be seen
	}
	if info.IsDir() {
		return fresh("tmpfs", path, quiet|unix.MS_RDONLY, "mode=755")
	}
	tree, err := Tree("/dev/null")
	if err != nil {
		return err
	}
	defer tree.Close()
	return put(tree, path)
}
