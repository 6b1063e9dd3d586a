package image

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/causeway-access/causeway/internal/privatefile"
)

// tidy removes what is no image: what was left half unpacked or half removed,
// and images that a loss of power has made unreadable, which no container can
// have outlived. Names of what is not here are forgotten.
func (s *Store) tidy() error {
	if err := privatefile.Tidy(s.dir); err != nil {
		return err
	}
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return fmt.Errorf("looking for what is no image: %w", err)
	}
	for _, e := range entries {
		partly := strings.HasPrefix(e.Name(), partial)
		if _, ours := s.path("sha256:" + e.Name()); !e.IsDir() && !partly || !partly && !ours {
			continue
		}
		if !partly && whole(filepath.Join(s.dir, e.Name())) {
			continue
		}
		if err := os.RemoveAll(filepath.Join(s.dir, e.Name())); err != nil {
			return fmt.Errorf("removing an image that was not complete: %w", err)
		}
	}
	for n, id := range s.names {
		if dir, ok := s.path(id); !ok || !whole(dir) {
			delete(s.names, n)
		}
	}
	return nil
}

// whole says whether a directory is that of an image which can be used.
func whole(dir string) bool {
	data, err := os.ReadFile(filepath.Join(dir, imageFile))
	if err != nil {
		return errors.Is(err, os.ErrPermission) // it is there
	}
	info, err := os.Stat(filepath.Join(dir, rootDir))
	return err == nil && info.IsDir() && json.Valid(data)
}

// pin has an image stay until somebody removes it by name.
func (s *Store) pin(id string) error {
	dir, _ := s.path(id)
	if err := os.WriteFile(filepath.Join(dir, pinFile), nil, 0o600); err != nil {
		return fmt.Errorf("pinning the image %s: %w", id, err)
	}
	return nil
}
