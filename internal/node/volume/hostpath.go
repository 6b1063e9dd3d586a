package volume

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	corev1 "k8s.io/api/core/v1"
)

// checkHostPath sees to it that a path of the node is what the volume says it
// is, and makes it where it says so.
func checkHostPath(path string, kind corev1.HostPathType) error {
	if !filepath.IsAbs(path) {
		return fmt.Errorf("hostPath %q is not an absolute path", path)
	}
	switch kind {
	case corev1.HostPathUnset: // as runtimes do with a bind mount's source
		if _, err := os.Stat(path); err == nil || !errors.Is(err, os.ErrNotExist) {
			return err
		}
		return os.MkdirAll(path, 0o755)
	case corev1.HostPathDirectoryOrCreate:
		if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
			return os.MkdirAll(path, 0o755)
		}
	case corev1.HostPathFileOrCreate:
		if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
			f, err := os.OpenFile(path, os.O_CREATE, 0o644)
			if err != nil {
				return err
			}
			return f.Close()
		}
	}
	return checkHostPathKind(path, kind)
}

// checkHostPathKind compares what is there with the kind.
func checkHostPathKind(path string, kind corev1.HostPathType) error {
	kinds := map[corev1.HostPathType]struct {
		name string
		is   func(os.FileMode) bool
	}{
		corev1.HostPathDirectory:         {"a directory", os.FileMode.IsDir},
		corev1.HostPathDirectoryOrCreate: {"a directory", os.FileMode.IsDir},
		corev1.HostPathFile:              {"a file", os.FileMode.IsRegular},
		corev1.HostPathFileOrCreate:      {"a file", os.FileMode.IsRegular},
		corev1.HostPathSocket:            {"a socket file", func(m os.FileMode) bool { return m&os.ModeSocket != 0 }},
		corev1.HostPathCharDev:           {"a character device", func(m os.FileMode) bool { return m&os.ModeCharDevice != 0 }},
		corev1.HostPathBlockDev:          {"a block device", func(m os.FileMode) bool { return m&os.ModeDevice != 0 && m&os.ModeCharDevice == 0 }},
	}
	wanted, known := kinds[kind]
	if !known {
		return fmt.Errorf("%s is an invalid volume type", kind)
	}
	info, err := os.Stat(path)
	if err != nil || !wanted.is(info.Mode()) {
		return fmt.Errorf("hostPath type check failed: %s is not %s", path, wanted.name)
	}
	return nil
}
