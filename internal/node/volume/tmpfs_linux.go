package volume

import (
	"errors"
	"fmt"
	"os"
	"slices"

	"golang.org/x/sys/unix"
)

// mountTmpfs has dir be a file system in memory. It does nothing if dir is
// already on one of its own.
func mountTmpfs(dir, options string) error {
	mounts, err := mountsBelow(dir)
	if err != nil {
		return err
	}
	if slices.Contains(mounts, dir) {
		return nil
	}
	const flags = unix.MS_NOSUID | unix.MS_NODEV
	// Not to swap is newer than many a kernel (6.4).
	err = unix.Mount("tmpfs", dir, "tmpfs", flags, options+",noswap")
	if errors.Is(err, unix.EINVAL) {
		err = unix.Mount("tmpfs", dir, "tmpfs", flags, options)
	}
	if err != nil {
		return fmt.Errorf("mounting a tmpfs: %w", err)
	}
	return nil
}

// mountsBelow lists the mounts at dir and below it, the deepest first.
func mountsBelow(dir string) ([]string, error) {
	text, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, err
	}
	return parseMounts(string(text), dir), nil
}

// unmountBelow takes all mounts at dir and below it away, at once for those
// who look and as soon as nobody uses them.
func unmountBelow(dir string) error {
	mounts, err := mountsBelow(dir)
	if err != nil {
		return err
	}
	var errs []error
	for _, at := range mounts {
		if err := unix.Unmount(at, unix.MNT_DETACH|unix.UMOUNT_NOFOLLOW); err != nil {
			errs = append(errs, fmt.Errorf("unmounting %s: %w", at, err))
		}
	}
	return errors.Join(errs...)
}
