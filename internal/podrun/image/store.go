// Package image keeps the images of containers: pulled from registries or
// taken from archives, unpacked once, and shared by all containers.
//
// It is of floor 1. An image's layers become one directory, in which nothing
// can lead outside while it is written: an archive's names and links are
// resolved by the kernel, below that directory (openat2). What has been
// unpacked is complete; a directory that is not has another name, and is
// removed at the next start. So is what a loss of power has left of one.
package image

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"

	"github.com/google/go-containerregistry/pkg/name"

	"github.com/causeway-access/causeway/internal/conn"
	"github.com/causeway-access/causeway/internal/podrun"
	"github.com/causeway-access/causeway/internal/privatefile"
)

// Image is an image with all that is needed to run it.
type Image struct {
	podrun.Image
	// Root is the directory of its files.
	Root string `json:"-"`
	// Entrypoint, Cmd, Env and Dir are what a container is run with, unless it
	// says otherwise.
	Entrypoint, Cmd, Env []string
	Dir                  string
	StopSignal           syscall.Signal
}

// Names of files of a store.
const (
	namesFile = "names.json"
	imageFile = "image.json"
	rootDir   = "root"
	pinFile   = "pinned"
	partial   = ".partial-"
)

// Store is a directory of images.
type Store struct {
	// Dial opens connections to registries. Nil dials from this process'
	// network. It is not changed while images are pulled.
	Dial conn.DialFunc

	dir string

	// adding lets one image be unpacked at a time.
	adding sync.Mutex
	mu     sync.Mutex
	// names are digests by full reference.
	names map[string]string
}

// Open opens the store dir, which is made if it is missing, and removes what is
// no image. One process at a time may have it.
func Open(dir string) (*Store, error) {
	s := &Store{dir: dir, names: map[string]string{}}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the directory of images: %w", err)
	}
	data, err := os.ReadFile(filepath.Join(dir, namesFile))
	if err == nil {
		err = json.Unmarshal(data, &s.names)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("reading the names of images: %w", err)
	}
	if err := s.tidy(); err != nil {
		return nil, err
	}
	return s, nil
}

// host is this machine's root file system.
var host = Image{Image: podrun.Image{ID: podrun.HostImage, Names: []string{podrun.HostImage}}, Root: "/", Cmd: []string{"/bin/sh"}}

// Get finds an image by a reference or its ID.
func (s *Store) Get(reference string) (Image, error) {
	if reference == podrun.HostImage {
		return host, nil
	}
	id := reference
	if full, err := full(reference); err == nil {
		s.mu.Lock()
		if digest := s.names[full]; digest != "" {
			id = digest
		}
		s.mu.Unlock()
	}
	return s.load(id)
}

// full is a reference with registry and tag.
func full(reference string) (string, error) {
	ref, err := name.ParseReference(reference)
	if err != nil {
		return "", fmt.Errorf("the image's name: %w", err)
	}
	return ref.Name(), nil
}

// path is the directory of an ID, which has the form sha256:HEX.
func (s *Store) path(id string) (string, bool) {
	hex, ok := strings.CutPrefix(id, "sha256:")
	if !ok || len(hex) != 64 || strings.Trim(hex, "0123456789abcdef") != "" {
		return "", false
	}
	return filepath.Join(s.dir, hex), true
}

func (s *Store) load(id string) (Image, error) {
	var img Image
	dir, ok := s.path(id)
	if !ok {
		return img, fmt.Errorf("image %q: %w", id, podrun.ErrNotFound)
	}
	data, err := os.ReadFile(filepath.Join(dir, imageFile))
	if errors.Is(err, fs.ErrNotExist) {
		return img, fmt.Errorf("image %q: %w", id, podrun.ErrNotFound)
	}
	if err == nil {
		err = json.Unmarshal(data, &img)
	}
	if err != nil {
		return img, fmt.Errorf("reading the image %s: %w", id, err)
	}
	img.Root = filepath.Join(dir, rootDir)
	_, err = os.Stat(filepath.Join(dir, pinFile))
	img.Pinned = err == nil
	s.mu.Lock()
	defer s.mu.Unlock()
	img.Names = nil
	for _, n := range slices.Sorted(maps.Keys(s.names)) {
		if s.names[n] == id {
			img.Names = append(img.Names, n)
		}
	}
	return img, nil
}

// List returns all images, this machine's first.
func (s *Store) List() ([]podrun.Image, error) {
	list := []podrun.Image{host.Image}
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return nil, fmt.Errorf("listing the images: %w", err)
	}
	for _, e := range entries {
		if !e.IsDir() || strings.HasPrefix(e.Name(), partial) {
			continue
		}
		img, err := s.load("sha256:" + e.Name())
		if errors.Is(err, podrun.ErrNotFound) {
			continue // it has just been removed
		}
		if err != nil {
			return nil, err
		}
		list = append(list, img.Image)
	}
	return list, nil
}

// Remove takes a name from an image, or removes it by its ID with all names.
// Without a name its files are removed, too: the caller knows that no
// container has them.
func (s *Store) Remove(reference string) error {
	s.adding.Lock()
	defer s.adding.Unlock()
	img, err := s.Get(reference)
	if errors.Is(err, podrun.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if img.ID == podrun.HostImage {
		return errors.New("the image host is this machine: it cannot be removed")
	}
	gone, _ := full(reference)
	left := len(img.Names)
	s.mu.Lock()
	for _, n := range img.Names {
		if n == gone || reference == img.ID {
			delete(s.names, n)
			left--
		}
	}
	err = s.saveNames()
	s.mu.Unlock()
	if err != nil || left > 0 {
		return err
	}
	return s.discard(img.ID)
}

// discard removes files: first they get another name, in one step.
func (s *Store) discard(id string) error {
	dir, _ := s.path(id)
	away := filepath.Join(s.dir, partial+filepath.Base(dir))
	if err := os.Rename(dir, away); err != nil {
		return fmt.Errorf("removing the image %s: %w", id, err)
	}
	return os.RemoveAll(away)
}

// call gives an image a name.
func (s *Store) call(reference, id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.names[reference] = id
	return s.saveNames()
}

func (s *Store) saveNames() error {
	data, err := json.MarshalIndent(s.names, "", "\t")
	if err != nil {
		return err
	}
	return privatefile.Write(filepath.Join(s.dir, namesFile), data)
}
