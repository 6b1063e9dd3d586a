package image

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/causeway-access/causeway/internal/podrun"
)

// largest is how many bytes an image's files may have, unpacked.
const largest = 64 << 30

// add unpacks an image unless it is here, and gives it a name.
func (s *Store) add(img v1.Image, reference string) (podrun.Image, error) {
	s.adding.Lock()
	defer s.adding.Unlock()
	digest, err := img.ConfigName()
	if err != nil {
		return podrun.Image{}, fmt.Errorf("reading the image's configuration: %w", err)
	}
	id := digest.String()
	if _, err := s.load(id); errors.Is(err, podrun.ErrNotFound) {
		if err := s.unpack(img, id); err != nil {
			return podrun.Image{}, err
		}
	}
	if reference != "" {
		if err := s.call(reference, id); err != nil {
			return podrun.Image{}, err
		}
	}
	added, err := s.load(id)
	return added.Image, err
}

// unpack makes an image's directory, which appears when it is complete.
func (s *Store) unpack(img v1.Image, id string) error {
	dir, ok := s.path(id)
	if !ok {
		return fmt.Errorf("the image's digest %q is not of SHA-256", id)
	}
	config, err := img.ConfigFile()
	if err != nil {
		return fmt.Errorf("reading the image's configuration: %w", err)
	}
	work, err := os.MkdirTemp(s.dir, partial)
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	root := filepath.Join(work, rootDir)
	if err := os.Mkdir(root, 0o755); err != nil {
		return err
	}
	size, err := unpackLayers(img, config.RootFS.DiffIDs, root)
	if err != nil {
		return err
	}
	described := Image{
		Image:      podrun.Image{ID: id, Size: size, User: config.Config.User},
		Entrypoint: config.Config.Entrypoint, Cmd: config.Config.Cmd, Env: config.Config.Env,
		Dir: config.Config.WorkingDir, StopSignal: signal(config.Config.StopSignal),
	}
	data, err := json.Marshal(described)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(work, imageFile), data, 0o600); err != nil {
		return err
	}
	if err := os.Rename(work, dir); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("storing the image: %w", err)
	}
	return nil
}

// unpackLayers lays all layers over each other and returns their size. digests
// are what the configuration says of them.
func unpackLayers(img v1.Image, digests []v1.Hash, root string) (int64, error) {
	layers, err := img.Layers()
	if err != nil {
		return 0, fmt.Errorf("reading the image's layers: %w", err)
	}
	if len(layers) != len(digests) {
		return 0, fmt.Errorf("the image has %d layers, but its configuration names %d", len(layers), len(digests))
	}
	var size int64
	for i, layer := range layers {
		n, err := unpackLayer(layer, digests[i], root, largest-size)
		if err != nil {
			return 0, fmt.Errorf("unpacking layer %d of %d: %w", i+1, len(layers), err)
		}
		size += n
	}
	return size, nil
}

// unpackLayer unpacks one, and compares it with its digest.
func unpackLayer(layer v1.Layer, want v1.Hash, root string, most int64) (int64, error) {
	content, err := layer.Uncompressed()
	if err != nil {
		return 0, err
	}
	defer content.Close()
	sum := sha256.New()
	counted := io.TeeReader(content, sum)
	size, err := Unpack(counted, root, most)
	if err == nil {
		_, err = io.Copy(io.Discard, counted) // what follows the archive's end
	}
	if err != nil {
		return 0, err
	}
	if got := fmt.Sprintf("sha256:%x", sum.Sum(nil)); got != want.String() {
		return 0, fmt.Errorf("the layer is damaged: its digest is %s, want %s", got, want)
	}
	return size, nil
}
