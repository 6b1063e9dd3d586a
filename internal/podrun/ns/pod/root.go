//go:build linux

package pod

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/causeway-access/causeway/internal/podrun/ns/wire"
)

const quiet = unix.MS_NOSUID | unix.MS_NOEXEC | unix.MS_NODEV

// root is what a container's files are made of, taken on the node's side.
type root struct {
	spec *wire.Container
	// volumes are those of spec.Config.Mounts, in their order.
	volumes []*os.File
	files   []*os.File
	devices map[string]*os.File
	// proc and sys are what the kernel shows of the pod, or of the node if the
	// container is to see its processes.
	shm, proc, sys *os.File
	// parts are mounts that the root is made of, where it is more than one.
	parts []*os.File
}

// devices that every container has.
var devices = []string{"null", "zero", "full", "random", "urandom", "tty"}

// enter gives the calling thread, which is locked and thrown away after it,
// mounts of its own with the container's root.
func (r *root) enter(dir string) error {
	if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
		return fmt.Errorf("making a mount namespace: %w", err)
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("separating the mounts: %w", err)
	}
	defer r.close()
	if err := r.take(dir); err != nil {
		return err
	}
	if err := r.lay(); err != nil {
		return err
	}
	if err := pivot(filepath.Join(r.spec.Dir, "root")); err != nil {
		return err
	}
	unix.Umask(0)
	defer unix.Umask(0o022)
	for _, step := range []func() error{r.kernel, r.dev, r.mounts, r.protect} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// take opens what is put into the root later.
func (r *root) take(dir string) error {
	var errs []error
	tree := func(path string) *os.File {
		t, err := Tree(path)
		errs = append(errs, err)
		return t
	}
	r.devices = map[string]*os.File{}
	if r.spec.Config.Security.Privileged {
		r.devices[""] = tree("/dev")
	} else {
		for _, name := range devices {
			r.devices[name] = tree("/dev/" + name)
		}
		for _, path := range r.spec.Config.Devices {
			r.devices[strings.TrimPrefix(path, "/dev/")] = tree(path)
		}
	}
	for _, f := range r.spec.Files {
		r.files = append(r.files, tree(f.Source))
	}
	r.shm = tree(filepath.Join(dir, "tmpfs"))
	r.sys = tree(filepath.Join(dir, "sysfs"))
	proc := filepath.Join(dir, "proc")
	if r.spec.HostPID {
		proc = "/proc"
	}
	r.proc = tree(proc)
	return errors.Join(errs...)
}

func (r *root) close() {
	for _, f := range append(append(r.files, r.parts...), r.shm, r.proc, r.sys) {
		f.Close()
	}
	for _, f := range r.devices {
		f.Close()
	}
}

// pivot makes dir the root; the old one is gone for this thread.
func pivot(dir string) error {
	err := unix.Chdir(dir)
	if err == nil {
		err = unix.PivotRoot(".", ".")
	}
	if err == nil {
		err = unix.Unmount(".", unix.MNT_DETACH)
	}
	if err == nil {
		err = unix.Chdir("/")
	}
	if err != nil {
		return fmt.Errorf("changing the root: %w", err)
	}
	return nil
}

// kernel puts what the kernel shows.
func (r *root) kernel() error {
	if err := put(r.proc, "/proc"); err != nil {
		return err
	}
	if !r.spec.Config.Security.Privileged {
		if err := ReadOnly(r.sys); err != nil {
			return err
		}
	}
	return put(r.sys, "/sys")
}

// dev makes /dev: the node's, or a few harmless devices and new terminals.
func (r *root) dev() error {
	if host := r.devices[""]; host != nil {
		return errors.Join(put(host, "/dev"), put(r.shm, "/dev/shm"))
	}
	if err := fresh("tmpfs", "/dev", unix.MS_NOSUID|unix.MS_STRICTATIME, "mode=755,size=65536k"); err != nil {
		return err
	}
	for name, tree := range r.devices {
		if err := put(tree, filepath.Join("/dev", name)); err != nil {
			return err
		}
	}
	for name, to := range map[string]string{
		"fd": "/proc/self/fd", "stdin": "/proc/self/fd/0", "stdout": "/proc/self/fd/1", "stderr": "/proc/self/fd/2", "ptmx": "pts/ptmx",
	} {
		if err := os.Symlink(to, filepath.Join("/dev", name)); err != nil {
			return err
		}
	}
	const terminals = "newinstance,ptmxmode=0666,mode=0620"
	if err := fresh("devpts", "/dev/pts", unix.MS_NOSUID|unix.MS_NOEXEC, terminals+",gid=5"); err != nil {
		// In a user namespace there may be no group 5.
		if err := fresh("devpts", "/dev/pts", unix.MS_NOSUID|unix.MS_NOEXEC, terminals); err != nil {
			return err
		}
	}
	// With the node's IPC, a user namespace may not have its queues.
	if err := fresh("mqueue", "/dev/mqueue", quiet, ""); err != nil && !errors.Is(err, unix.EPERM) {
		return err
	}
	return put(r.shm, "/dev/shm")
}

// mounts puts the pod's own files, and its volumes over them.
func (r *root) mounts() error {
	for i, tree := range r.files {
		if err := put(tree, r.spec.Files[i].Target); err != nil {
			return err
		}
	}
	for i, tree := range r.volumes {
		m := r.spec.Config.Mounts[i]
		if m.ReadOnly {
			if err := ReadOnly(tree); err != nil {
				return err
			}
		}
		if err := put(tree, m.Target); err != nil {
			return err
		}
	}
	return nil
}
