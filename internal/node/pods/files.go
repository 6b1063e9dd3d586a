package pods

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"

	"github.com/causeway-access/causeway/internal/node/podspec"
	"github.com/causeway-access/causeway/internal/podrun"
)

// files are open until a container has been started.
type files struct{ open []*os.File }

func (f *files) close() {
	for _, file := range f.open {
		file.Close()
	}
}

// mounts are all that a container sees of the node.
func (w *worker) mounts(c *container, env *podspec.Environment, opened *files) ([]podrun.Mount, error) {
	wanted, err := podspec.Mounts(c.spec, w.volumes, env)
	if err != nil {
		return nil, err
	}
	var list []podrun.Mount
	for _, m := range wanted {
		source, err := opened.within(m.Source, m.SubPath)
		if err != nil {
			return nil, fmt.Errorf("failed to prepare subPath for volumeMount %q of container %q: %w", m.Volume, c.spec.Name, err)
		}
		list = append(list, podrun.Mount{Source: source, Target: m.Target, ReadOnly: m.ReadOnly})
	}
	words := podspec.TerminationMessagePath(c.spec)
	if slices.ContainsFunc(list, func(m podrun.Mount) bool { return m.Target == words }) {
		return list, nil
	}
	file, err := w.makeWords(c)
	return append(list, podrun.Mount{Source: file, Target: words}), err
}

// within is the path of a part of a volume. A container may have put symbolic
// links there, and may change them at any time: the part is opened without
// leaving the volume ([os.Root]), and what is mounted is what was opened
// (CVE-2017-1002101, CVE-2021-25741). What is missing is made, as a directory.
func (f *files) within(volume, part string) (string, error) {
	if part == "" {
		return volume, nil
	}
	root, err := os.OpenRoot(volume)
	if err != nil {
		return "", err
	}
	defer root.Close()
	if _, err := root.Stat(part); errors.Is(err, fs.ErrNotExist) {
		if err := root.MkdirAll(part, 0o755); err != nil {
			return "", err
		}
	}
	// Without waiting for the other end of a pipe.
	file, err := root.OpenFile(part, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return "", err
	}
	f.open = append(f.open, file)
	return fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), file.Fd()), nil
}

// wordsPath is the file of a container's last words.
func (w *worker) wordsPath(container string, attempt uint32) string {
	return filepath.Join(w.dir(), container, strconv.FormatUint(uint64(attempt), 10))
}

func (w *worker) dir() string { return filepath.Join(w.m.config.Dir, string(w.uid)) }

// makeWords makes it, for any user of the container to write. Its directory
// keeps the node's users away.
func (w *worker) makeWords(c *container) (string, error) {
	name := w.wordsPath(c.spec.Name, c.next())
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return "", fmt.Errorf("making the container's termination log: %w", err)
	}
	if err := os.WriteFile(name, nil, 0o600); err != nil {
		return "", fmt.Errorf("making the container's termination log: %w", err)
	}
	if err := os.Chmod(name, 0o666); err != nil {
		return "", fmt.Errorf("making the container's termination log: %w", err)
	}
	return name, nil
}
