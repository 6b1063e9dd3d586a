//go:build linux

package wire

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// Names of files in a sandbox's directory, and in a container's.
const (
	SandboxFile   = "sandbox.json"
	ProcessFile   = "init.json"
	LogFile       = "init.log"
	Socket        = "control.sock"
	ContainersDir = "containers"

	ContainerFile = "container.json"
	StateFile     = "state.json"
)

// Save replaces path by value in one step: a reader or a killed writer leaves
// the old or the new. A crash of the machine may lose it; then what it
// describes is gone, too.
func Save(path string, value any) error {
	data, err := json.Marshal(value)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name())
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return nil
}

// Load reads what Save has written.
func Load(path string, value any) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, value); err != nil {
		return fmt.Errorf("reading %s: %w", path, err)
	}
	return nil
}
