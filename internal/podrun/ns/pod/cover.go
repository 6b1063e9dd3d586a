//go:build linux

package pod

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/causeway-access/causeway/internal/podrun/ns/idmap"
)

// In a user namespace most of the machine's directories belong to nobody who is
// there, so that nothing can be made in them, not even what a mount is to cover.

// ensureAnywhere is ensure also in such directories.
func ensureAnywhere(target string, dir bool) error {
	err := ensure(target, dir)
	if !errors.Is(err, fs.ErrPermission) || idmap.Users().All() {
		return err
	}
	above := filepath.Dir(target)
	for {
		if _, err := os.Stat(above); err == nil {
			break
		}
		above = filepath.Dir(above)
	}
	if err := cover(above); err != nil {
		return fmt.Errorf("%w, nor covered: %w", os.ErrPermission, err)
	}
	return ensure(target, dir)
}

// cover lays over a directory a new one that has the same in it, in which
// something can be made.
func cover(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	var trees []*os.File
	defer func() {
		for _, t := range trees {
			t.Close()
		}
	}()
	links := map[string]string{}
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		if e.Type()&fs.ModeSymlink != 0 {
			if links[path], err = os.Readlink(path); err != nil {
				return err
			}
			continue
		}
		t, err := Tree(path)
		if err != nil {
			return err
		}
		trees = append(trees, t)
	}
	if err := fresh("tmpfs", dir, unix.MS_NOSUID|unix.MS_NODEV, "mode=755"); err != nil {
		return err
	}
	for path, to := range links {
		if err := os.Symlink(to, path); err != nil {
			return err
		}
	}
	for _, t := range trees {
		if err := put(t, t.Name()); err != nil {
			return err
		}
	}
	return nil
}
