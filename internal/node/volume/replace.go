package volume

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// The names of the workings of a volume, which are an interface: programs watch
// for ..data to be replaced.
const (
	dataLink    = "..data"
	dataLinkNew = "..data_tmp"
	// stamp begins the names of the directories that ..data leads to.
	stamp = "..2006_01_02_15_04_05."
)

// replace makes files the content of the volume at dir: all at once, and only
// if they differ from what is there. group owns the files if it is not nil.
func replace(dir string, files content, group *int64) error {
	for path := range files {
		if err := checkPath(path); err != nil {
			return err
		}
	}
	if err := makeOwned(dir, group); err != nil {
		return err
	}
	current, err := os.Readlink(filepath.Join(dir, dataLink))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if current == "" || !same(filepath.Join(dir, filepath.Base(current)), files, group) {
		if current, err = writeAll(dir, files, group); err != nil {
			return err
		}
	}
	return tidy(dir, current, files)
}

// makeOwned makes a directory that everybody in the pod may read, and that has
// its files belong to the group.
func makeOwned(dir string, group *int64) error {
	if err := os.Mkdir(dir, 0o755); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	mode := os.FileMode(0o755)
	if group != nil {
		if err := os.Lchown(dir, -1, int(*group)); err != nil {
			return fmt.Errorf("giving the volume to group %d: %w", *group, err)
		}
		mode |= os.ModeSetgid
	}
	return os.Chmod(dir, mode) // whatever the umask is
}

// writeAll writes the files to a new directory, has ..data lead there, and
// returns its name. What it leaves when it fails, tidy removes.
func writeAll(dir string, files content, group *int64) (string, error) {
	fresh, err := os.MkdirTemp(dir, time.Now().UTC().Format(stamp))
	if err != nil {
		return "", err
	}
	name := filepath.Base(fresh)
	if err := errors.Join(makeOwned(fresh, group), writeEach(fresh, files, group)); err != nil {
		return "", errors.Join(err, os.RemoveAll(fresh))
	}
	link := filepath.Join(dir, dataLinkNew)
	if err := os.Remove(link); err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", err
	}
	if err := os.Symlink(name, link); err != nil {
		return "", err
	}
	return name, os.Rename(link, filepath.Join(dir, dataLink))
}

func writeEach(dir string, files content, group *int64) error {
	for path, f := range files {
		target := dir
		parts := strings.Split(path, "/")
		for _, part := range parts[:len(parts)-1] {
			target = filepath.Join(target, part)
			if err := makeOwned(target, group); err != nil {
				return err
			}
		}
		if err := writeFile(filepath.Join(dir, path), f, group); err != nil {
			return err
		}
	}
	return nil
}

func writeFile(path string, f file, group *int64) error {
	if err := os.WriteFile(path, f.data, 0o600); err != nil {
		return err
	}
	if user, group := id(f.user), id(group); user >= 0 || group >= 0 {
		if err := os.Lchown(path, user, group); err != nil {
			return fmt.Errorf("giving a file to user %d, group %d: %w", user, group, err)
		}
	}
	return os.Chmod(path, f.permissions(group))
}

// permissions are the file's mode; a group that owns it may read it.
func (f file) permissions(group *int64) os.FileMode {
	mode := os.FileMode(f.mode) & os.ModePerm
	if group != nil {
		mode |= 0o440
	}
	return mode
}

// id is a user or group for chown, -1 for no change.
func id(n *int64) int {
	if n == nil {
		return -1
	}
	return int(*n)
}

// same tells whether dir has these files and no others.
func same(dir string, files content, group *int64) bool {
	count := 0
	err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		count++
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		f, wanted := files[name]
		info, err := entry.Info()
		if err != nil || !wanted || info.Mode() != f.permissions(group) || !owned(info, f.user, group) {
			return filepath.SkipAll
		}
		data, err := os.ReadFile(path)
		if err != nil || string(data) != string(f.data) {
			return filepath.SkipAll
		}
		count++
		return nil
	})
	return err == nil && count == 2*len(files)
}

func owned(info os.FileInfo, user, group *int64) bool {
	s, ok := info.Sys().(*syscall.Stat_t)
	return ok && (user == nil || int64(s.Uid) == *user) && (group == nil || int64(s.Gid) == *group)
}

// tidy gives each first part of a path its link through ..data, and removes
// the links of those that are no more, and what an end in the middle left.
func tidy(dir, current string, files content) error {
	wanted := map[string]bool{}
	for path := range files {
		first, _, _ := strings.Cut(path, "/")
		wanted[first] = true
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	errs := []error(nil)
	for _, entry := range entries {
		name := entry.Name()
		ours := strings.HasPrefix(name, "..") && name != dataLink && name != current
		link := !strings.HasPrefix(name, "..") && entry.Type() == os.ModeSymlink
		if ours || link && !wanted[name] {
			errs = append(errs, os.RemoveAll(filepath.Join(dir, name)))
		}
	}
	for name := range wanted {
		if slices.ContainsFunc(entries, func(e os.DirEntry) bool { return e.Name() == name }) {
			continue
		}
		errs = append(errs, os.Symlink(filepath.Join(dataLink, name), filepath.Join(dir, name)))
	}
	return errors.Join(errs...)
}
