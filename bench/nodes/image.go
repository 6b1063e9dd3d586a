package nodes

import (
	"archive/tar"
	"bytes"
	"io"
	"os"
	"path/filepath"
	"runtime"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// archive writes an image of the pod's program alone, and returns its name.
func (b *bench) archive() (string, error) {
	program, err := os.ReadFile(b.Pod)
	if err != nil {
		return "", err
	}
	var files bytes.Buffer
	w := tar.NewWriter(&files)
	if err := w.WriteHeader(&tar.Header{Name: "pod", Typeflag: tar.TypeReg, Mode: 0o755, Size: int64(len(program))}); err != nil {
		return "", err
	}
	if _, err := w.Write(program); err != nil {
		return "", err
	}
	if err := w.Close(); err != nil {
		return "", err
	}
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(files.Bytes())), nil })
	if err != nil {
		return "", err
	}
	img, err := mutate.AppendLayers(empty.Image, layer)
	if err != nil {
		return "", err
	}
	if img, err = mutate.Config(img, v1.Config{Entrypoint: []string{"/pod"}}); err != nil {
		return "", err
	}
	config, err := img.ConfigFile()
	if err != nil {
		return "", err
	}
	config = config.DeepCopy()
	config.OS, config.Architecture = "linux", runtime.GOARCH
	if img, err = mutate.ConfigFile(img, config); err != nil {
		return "", err
	}
	tag, err := name.NewTag(image)
	if err != nil {
		return "", err
	}
	path := filepath.Join(b.Dir, "image.tar")
	return path, tarball.WriteToFile(path, tag, img)
}
