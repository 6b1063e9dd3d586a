package image

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// Marks in a layer's archive for what is not there any more (OCI image
// specification, "Whiteouts").
const (
	whiteout = ".wh."
	opaque   = ".wh..wh..opq"
)

// mostEntries is how many an archive may have.
const mostEntries = 4 << 20

// Unpack lays a layer's archive over the directory root, and returns the size
// of its files. Nothing outside root is written or read, whatever is in the
// archive, and in root already. More than most bytes are an error.
func Unpack(archive io.Reader, root string, most int64) (int64, error) {
	fd, err := unix.Open(root, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return 0, fmt.Errorf("opening %s: %w", root, err)
	}
	defer unix.Close(fd)
	u := &unpacking{root: fd, most: most, mine: map[string]bool{}}
	r := tar.NewReader(archive)
	for range mostEntries {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return u.size, nil
		}
		if err != nil {
			return u.size, fmt.Errorf("reading the archive: %w", err)
		}
		if err := u.entry(h, r); err != nil {
			return u.size, fmt.Errorf("unpacking %q: %w", h.Name, err)
		}
	}
	return u.size, fmt.Errorf("the archive has more than %d entries", mostEntries)
}

type unpacking struct {
	root int
	most int64
	size int64
	// mine are the names that this layer has made; an opaque mark is about
	// those of the layers below.
	mine map[string]bool
}

// entry makes one.
func (u *unpacking) entry(h *tar.Header, content io.Reader) error {
	name := strings.TrimPrefix(path.Clean("/"+h.Name), "/")
	if name == "" {
		return nil // the root has the rights that it has
	}
	parent, err := u.dir(path.Dir("/" + name))
	if err != nil {
		return err
	}
	defer parent.Close()
	base := path.Base(name)
	// The last name is not followed by what is done to it.
	at := filepath.Join(fmt.Sprintf("/proc/self/fd/%d", parent.Fd()), base)
	if base == opaque {
		return u.clear(parent, path.Dir(name))
	}
	if hidden, ok := strings.CutPrefix(base, whiteout); ok {
		if hidden == "" || hidden == "." || hidden == ".." {
			return errors.New("the mark names nothing")
		}
		return os.RemoveAll(filepath.Join(filepath.Dir(at), hidden))
	}
	for dir := name; dir != "."; dir = path.Dir(dir) {
		u.mine[dir] = true
	}
	made, err := u.create(h, at, content)
	if err != nil || !made {
		return err
	}
	return attributes(h, at)
}

// dir opens a directory, and makes it if it is missing. Links on the way are
// followed as they will be when root is the root.
func (u *unpacking) dir(name string) (*os.File, error) {
	fd, err := u.open(name)
	if errors.Is(err, unix.ENOENT) && name != "/" {
		above, aboveErr := u.dir(path.Dir(name))
		if aboveErr != nil {
			return nil, aboveErr
		}
		defer above.Close()
		if err := unix.Mkdirat(int(above.Fd()), path.Base(name), 0o755); err != nil && !errors.Is(err, unix.EEXIST) {
			return nil, err
		}
		fd, err = u.open(name)
	}
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), name), nil
}

func (u *unpacking) open(name string) (int, error) {
	return unix.Openat2(u.root, name, &unix.OpenHow{
		Flags:   unix.O_PATH | unix.O_DIRECTORY | unix.O_CLOEXEC,
		Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS,
	})
}

// clear removes what the layers below have put into a directory.
func (u *unpacking) clear(dir *os.File, name string) error {
	at := fmt.Sprintf("/proc/self/fd/%d", dir.Fd())
	entries, err := os.ReadDir(at + "/")
	if err != nil {
		return err
	}
	for _, e := range entries {
		if u.mine[path.Join(name, e.Name())] {
			continue
		}
		if err := os.RemoveAll(filepath.Join(at, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

// create makes what an entry is, in place of what was there; only directories
// stay. It says whether there is something now.
func (u *unpacking) create(h *tar.Header, at string, content io.Reader) (bool, error) {
	if h.Typeflag == tar.TypeDir {
		if info, err := os.Lstat(at); err == nil && info.IsDir() {
			return true, nil
		}
	}
	switch h.Typeflag {
	case tar.TypeChar, tar.TypeBlock, tar.TypeXGlobalHeader:
		return false, nil // devices are not an image's to give
	}
	if err := os.RemoveAll(at); err != nil {
		return false, err
	}
	switch h.Typeflag {
	case tar.TypeDir:
		return true, os.Mkdir(at, 0o755)
	case tar.TypeReg:
		return true, u.file(at, h.Size, content)
	case tar.TypeSymlink:
		return true, os.Symlink(h.Linkname, at)
	case tar.TypeLink:
		return false, u.link(h.Linkname, at)
	case tar.TypeFifo:
		return true, unix.Mkfifo(at, 0o600)
	}
	return false, fmt.Errorf("an entry of type %q is not known", h.Typeflag)
}

func (u *unpacking) file(at string, size int64, content io.Reader) error {
	if u.size += size; u.size > u.most {
		return fmt.Errorf("the image is larger than %d bytes", u.most)
	}
	f, err := os.OpenFile(at, os.O_WRONLY|os.O_CREATE|os.O_EXCL|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, content)
	return errors.Join(err, f.Close())
}

// link makes a hard link to another entry.
func (u *unpacking) link(to, at string) error {
	to = path.Clean("/" + to)
	parent, err := u.open(path.Dir(to))
	if err != nil {
		return fmt.Errorf("a link to %s: %w", to, err)
	}
	defer unix.Close(parent)
	return unix.Linkat(parent, path.Base(to), unix.AT_FDCWD, at, 0)
}

// attributes sets owner, rights, capabilities and time.
func attributes(h *tar.Header, at string) error {
	err := os.Lchown(at, h.Uid, h.Gid)
	// In a user namespace there are few users.
	if err != nil && !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.EPERM) {
		return err
	}
	if h.Typeflag != tar.TypeSymlink {
		if err := unix.Fchmodat(unix.AT_FDCWD, at, uint32(h.Mode)&0o7777, 0); err != nil {
			return err
		}
	}
	const capability = "security.capability"
	if value, ok := h.PAXRecords["SCHILY.xattr."+capability]; ok && h.Typeflag == tar.TypeReg {
		// Where capabilities of files are not kept, programs have none.
		_ = unix.Lsetxattr(at, capability, []byte(value), 0)
	}
	when := unix.NsecToTimespec(h.ModTime.UnixNano())
	return unix.UtimesNanoAt(unix.AT_FDCWD, at, []unix.Timespec{when, when}, unix.AT_SYMLINK_NOFOLLOW)
}
