package certs

import (
	"errors"
	"os"
)

// dirMode is that of the directories that hold keys.
const dirMode os.FileMode = 0o700

// readIfThere returns nil data and no error for a file that does not exist.
func readIfThere(path string) ([]byte, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	return data, err
}
