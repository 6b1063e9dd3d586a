package kubeconfig

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"
)

// Read loads one kubeconfig file as it is: paths in it stay relative. A file
// that does not exist, or is empty, is an empty configuration.
func Read(path string) (*api.Config, error) {
	data, err := readIfThere(path)
	if err != nil {
		return nil, err
	}
	return parseFile(path, data)
}

// readIfThere returns no text for a file that does not exist.
func readIfThere(path string) ([]byte, error) {
	data, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf("read kubeconfig: %w: it has to be yours and readable, or name another one with --kubeconfig", err)
	case err != nil:
		return nil, fmt.Errorf("read kubeconfig: %w", err)
	}
	return data, nil
}

// parseFile is Parse, and says which file it is that is damaged.
func parseFile(path string, data []byte) (*api.Config, error) {
	c, err := Parse(data)
	if err != nil {
		return nil, fmt.Errorf("read kubeconfig %s: %w (repair the file, or name another one with --kubeconfig)", path, err)
	}
	return c, nil
}

// Parse reads the YAML or JSON of a kubeconfig. The result's maps are never
// nil and hold no nil entries.
func Parse(data []byte) (*api.Config, error) {
	c, err := clientcmd.Load(data)
	if err != nil {
		return nil, withLine(data, err)
	}
	if c.Clusters == nil {
		c.Clusters = map[string]*api.Cluster{}
	}
	if c.AuthInfos == nil {
		c.AuthInfos = map[string]*api.AuthInfo{}
	}
	if c.Contexts == nil {
		c.Contexts = map[string]*api.Context{}
	}
	return c, nil
}

// Write replaces path by c in one step, readable by its owner alone.
// Directories that are missing are made.
func Write(path string, c *api.Config) error {
	data, err := clientcmd.Write(*c)
	if err != nil {
		return fmt.Errorf("encode kubeconfig: %w", err)
	}
	old, err := os.ReadFile(path)
	if err != nil {
		old = nil
	}
	return replace(path, old, data)
}

// replace writes the new text of a file that has the old one; nil is no file.
func replace(path string, old, text []byte) error {
	var err error
	if old != nil && bytes.Equal(old, text) {
		err = tighten(path)
	} else {
		err = replaceFile(path, text)
	}
	if err != nil {
		return fmt.Errorf("write kubeconfig: %w", err)
	}
	return nil
}

// tighten takes from others the right to read a file that holds credentials.
func tighten(path string) error {
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm()&0o077 == 0 {
		return err
	}
	return os.Chmod(path, info.Mode().Perm()&0o700)
}

// replaceFile writes data beside path and renames it into place, so that a
// reader sees the old file or the new one, whatever happens between. A
// symbolic link is followed, because users keep kubeconfigs in other places
// and link them; the owner of an existing file is kept, because sudo is common.
func replaceFile(path string, data []byte) error {
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	temp, err := os.CreateTemp(dir, "."+filepath.Base(path)+".*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(temp.Name()) // does nothing once it is renamed
	if err := writeSynced(temp, data); err != nil {
		return err
	}
	if err := keepOwner(path, temp.Name()); err != nil {
		return err
	}
	return os.Rename(temp.Name(), path)
}

// writeSynced writes data, brings it to the disk and closes the file.
func writeSynced(f *os.File, data []byte) error {
	_, err := f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}
