//go:build linux

package pod

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// A tree is a mount that is nowhere yet. It is taken where the node's files
// are seen and put where the container's are, so that no symbolic link of the
// container can lead to a place of the node (Linux 5.2).

// Tree takes the mount of path, with those below it.
func Tree(path string) (*os.File, error) {
	fd, err := unix.OpenTree(unix.AT_FDCWD, path, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC|unix.AT_RECURSIVE)
	if err != nil {
		return nil, fmt.Errorf("taking %s: %w", path, err)
	}
	return os.NewFile(uintptr(fd), path), nil
}

// ReadOnly makes a tree so, with the mounts below it (Linux 5.12).
func ReadOnly(tree *os.File) error {
	attr := unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY}
	if err := unix.MountSetattr(int(tree.Fd()), "", unix.AT_EMPTY_PATH|unix.AT_RECURSIVE, &attr); err != nil {
		return fmt.Errorf("making %s read-only: %w", tree.Name(), err)
	}
	return nil
}

// put places a tree, and makes what it is to cover if that is missing.
func put(tree *os.File, target string) error {
	var stat unix.Stat_t
	if err := unix.Fstat(int(tree.Fd()), &stat); err != nil {
		return err
	}
	if err := ensureAnywhere(target, stat.Mode&unix.S_IFMT == unix.S_IFDIR); err != nil {
		return fmt.Errorf("%s cannot be mounted at %s: %w", tree.Name(), target, err)
	}
	err := unix.MoveMount(int(tree.Fd()), "", unix.AT_FDCWD, target, unix.MOVE_MOUNT_F_EMPTY_PATH|unix.MOVE_MOUNT_T_SYMLINKS)
	if err != nil {
		return fmt.Errorf("mounting %s at %s: %w", tree.Name(), target, err)
	}
	return nil
}

// ensure makes a directory or an empty file where there is nothing. A link
// that leads nowhere, as that of resolv.conf often does, is replaced.
func ensure(target string, dir bool) error {
	_, err := os.Stat(target)
	if err == nil {
		return nil
	}
	if _, linked := os.Lstat(target); linked == nil {
		if err := os.Remove(target); err != nil {
			return err
		}
	}
	if dir {
		return os.MkdirAll(target, 0o755)
	}
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(target, os.O_CREATE, 0o644)
	if err != nil {
		return err
	}
	return f.Close()
}

// fresh mounts a new file system of a kind.
func fresh(kind, target string, flags uintptr, options string) error {
	if err := ensure(target, true); err != nil {
		return err
	}
	if err := unix.Mount(kind, target, kind, flags, options); err != nil {
		return fmt.Errorf("mounting %s at %s: %w", kind, target, err)
	}
	return nil
}

// readOnlyPart mounts a part of what is there over itself, read-only. What is not
// there is none.
func readOnlyPart(path string) error {
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return readOnlyAt(path, path)
}

// readOnlyAt mounts what is at a path at another, read-only.
func readOnlyAt(path, at string) error {
	tree, err := Tree(path)
	if err != nil {
		return err
	}
	defer tree.Close()
	if err := ReadOnly(tree); err != nil {
		return err
	}
	return put(tree, at)
}
