//go:build linux

package pod

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/causeway-access/causeway/internal/podrun/ns/idmap"
)

// lay brings the image and what the container writes together, at Dir/root.
//
// In a user namespace the kernel lays nothing over a directory below which
// others have mounted something, as over the root of the machine. Then the
// container's root is a directory of its own, in which each directory of the
// machine's root is laid over by itself.
func (r *root) lay() error {
	dir := r.spec.Dir
	err := overlay(r.spec.Lower, filepath.Join(dir, "root"), filepath.Join(dir, "upper"), filepath.Join(dir, "work"))
	if errors.Is(err, unix.EINVAL) && r.spec.Lower == "/" && !idmap.Users().All() {
		c := &composition{target: filepath.Join(dir, "root"), upper: filepath.Join(dir, "upper"), work: filepath.Join(dir, "work")}
		err = c.compose()
		r.parts = c.parts
	}
	if err != nil {
		return fmt.Errorf("mounting the image's files: %w", err)
	}
	return nil
}

// overlay mounts one.
func overlay(lower, target, upper, work string) error {
	options := fmt.Sprintf("lowerdir=%s,upperdir=%s,workdir=%s", lower, upper, work)
	if !idmap.Users().All() {
		options += ",userxattr" // attributes of the system are not for its users
	}
	return unix.Mount("overlay", target, "overlay", 0, options)
}

// composition is a root that is made of several overlays.
type composition struct {
	target, upper, work string
	count               int
	// parts are the mounts below the root that are the container's to write.
	parts []*os.File
}

// compose makes the root.
func (c *composition) compose() error {
	skeleton := filepath.Join(c.upper, "root")
	if err := os.Mkdir(skeleton, 0o755); err != nil {
		return err
	}
	if err := unix.Mount(skeleton, c.target, "", unix.MS_BIND, ""); err != nil {
		return err
	}
	return c.each("/")
}

// each puts what is in a directory of the machine into the root's.
func (c *composition) each(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	var above unix.Stat_t
	if err := unix.Stat(dir, &above); err != nil {
		return err
	}
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		at := filepath.Join(c.target, path)
		switch {
		case e.Type()&fs.ModeSymlink != 0:
			err = link(path, at)
		case e.IsDir():
			err = c.directory(path, at, above.Dev)
		default:
			err = readOnlyAt(path, at)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) { // it has just gone
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	return nil
}

// directory lays over one, as it is without what is mounted on it: a mount
// point is empty. So is what this user may not read.
func (c *composition) directory(path, at string, device uint64) error {
	var stat unix.Stat_t
	if err := unix.Stat(path, &stat); err != nil {
		return err
	}
	if err := makeDir(at, stat.Mode); err != nil {
		return err
	}
	if stat.Dev != device || unix.Faccessat(unix.AT_FDCWD, path, unix.R_OK|unix.X_OK, unix.AT_EACCESS) != nil {
		return nil
	}
	if strings.ContainsAny(path, `:,\`) { // they cannot be said in an option
		return readOnlyAt(path, at)
	}
	c.count++
	upper, work := filepath.Join(c.upper, strconv.Itoa(c.count)), filepath.Join(c.work, strconv.Itoa(c.count))
	if err := errors.Join(makeDir(upper, stat.Mode), os.Mkdir(work, 0o700)); err != nil {
		return err
	}
	err := overlay(path, at, upper, work)
	if errors.Is(err, unix.EINVAL) {
		return c.each(path)
	}
	if err != nil {
		return err
	}
	part, err := os.OpenFile(at, unix.O_PATH|unix.O_DIRECTORY, 0)
	c.parts = append(c.parts, part)
	return err
}

// makeDir makes one with all the rights that another has.
func makeDir(path string, mode uint32) error {
	if err := os.Mkdir(path, 0o700); err != nil {
		return err
	}
	return unix.Chmod(path, mode&0o7777)
}

func link(from, at string) error {
	to, err := os.Readlink(from)
	if err != nil {
		return err
	}
	return os.Symlink(to, at)
}
