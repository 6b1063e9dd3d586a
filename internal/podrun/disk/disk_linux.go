package disk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// batch is how many names are read at once.
	batch = 512
	// leisure is for how long nothing is done after a batch, in multiples of the
	// time that it took: a tenth of one processor at most.
	leisure = 9
	// deepest is how many directories may be in each other. Each takes a
	// descriptor while it is counted.
	deepest = 1024
)

// At looks at the disk on which a file or directory is.
func At(path string) (Space, error) {
	var fs unix.Statfs_t
	var file unix.Stat_t
	if err := errors.Join(unix.Statfs(path, &fs), unix.Stat(path, &file)); err != nil {
		return Space{}, fmt.Errorf("asking for the space at %s: %w", path, err)
	}
	return Space{
		Size: int64(fs.Blocks) * fs.Bsize, Free: int64(fs.Bavail) * fs.Bsize,
		Inodes: int64(fs.Files), InodesFree: int64(fs.Ffree), Device: file.Dev,
	}, nil
}

// Of counts what is below a directory on its own disk, and the directory. Files
// of several names are counted once. One that does not exist uses nothing.
func Of(ctx context.Context, dir string) (Use, error) {
	c := &count{ctx: ctx, linked: map[uint64]bool{}}
	fd, err := unix.Open(dir, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if errors.Is(err, unix.ENOENT) {
		return c.use, nil
	}
	if err != nil {
		return c.use, fmt.Errorf("counting what is in %s: %w", dir, err)
	}
	var top unix.Stat_t
	if err = unix.Fstat(fd, &top); err == nil {
		c.device = top.Dev
		c.add(&top)
		err = c.directory(fd, 0)
	} else {
		unix.Close(fd)
	}
	if err = errors.Join(err, c.trouble); err != nil {
		return c.use, fmt.Errorf("counting what is in %s: %w", dir, err)
	}
	return c.use, nil
}

type count struct {
	ctx    context.Context
	device uint64
	use    Use
	// linked are the inodes of several names that have been counted.
	linked map[uint64]bool
	// trouble is what kept parts from being counted.
	trouble error
}

func (c *count) add(s *unix.Stat_t) {
	if s.Nlink > 1 && s.Mode&unix.S_IFMT != unix.S_IFDIR {
		if c.linked[s.Ino] {
			return
		}
		c.linked[s.Ino] = true
	}
	c.use.Bytes += s.Blocks * 512 // stat(2): whatever the size of blocks is
	c.use.Inodes++
}

// directory counts what is in one, and closes it.
func (c *count) directory(fd, depth int) error {
	dir := os.NewFile(uintptr(fd), "")
	defer dir.Close()
	for {
		begun := time.Now()
		names, err := dir.Readdirnames(batch)
		var below []string
		for _, name := range names {
			if c.entry(fd, name) {
				below = append(below, name)
			}
		}
		if len(names) == batch {
			c.rest(time.Since(begun) * leisure)
		}
		for _, name := range below {
			if err := c.below(fd, name, depth+1); err != nil {
				return err
			}
		}
		switch {
		case c.ctx.Err() != nil:
			return c.ctx.Err()
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
	}
}

// entry counts one, and says whether it is a directory to look into. What has
// gone meanwhile is nothing.
func (c *count) entry(parent int, name string) bool {
	var s unix.Stat_t
	err := unix.Fstatat(parent, name, &s, unix.AT_SYMLINK_NOFOLLOW)
	if err != nil || s.Dev != c.device {
		return false
	}
	c.add(&s)
	return s.Mode&unix.S_IFMT == unix.S_IFDIR
}

func (c *count) below(parent int, name string, depth int) error {
	if depth > deepest {
		c.trouble = ErrTooDeep
		return nil
	}
	fd, err := unix.Openat(parent, name, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil //nolint:nilerr // it has gone, or is something else now
	}
	var s unix.Stat_t
	if err := unix.Fstat(fd, &s); err != nil || s.Dev != c.device {
		return unix.Close(fd)
	}
	return c.directory(fd, depth)
}

func (c *count) rest(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-c.ctx.Done():
	}
}
