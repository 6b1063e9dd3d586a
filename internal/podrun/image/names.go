package image

import (
	"archive/tar"
	"encoding/json"
	"fmt"
	"io"
	"path"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// largestIndex is as much as is read of an archive's list of images, in bytes.
const largestIndex = 16 << 20

// Names returns the names that the images of an archive have: of docker save,
// or an OCI layout in a tar file. It reads no more of the archive.
func Names(archive string) ([]string, error) {
	var docker tarball.Manifest
	var oci v1.IndexManifest
	err := each(func() (io.ReadCloser, error) { return open(archive) }, func(h *tar.Header, content io.Reader) error {
		content = io.LimitReader(content, largestIndex)
		switch path.Clean(h.Name) {
		case "manifest.json":
			return json.NewDecoder(content).Decode(&docker)
		case "index.json":
			return json.NewDecoder(content).Decode(&oci)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading its list of images: %w", err)
	}
	var names []string
	for _, m := range docker {
		names = append(names, m.RepoTags...)
	}
	for _, d := range oci.Manifests {
		for _, key := range refName {
			if n := d.Annotations[key]; n != "" {
				names = append(names, n)
				break
			}
		}
	}
	for i, n := range names {
		if names[i], err = full(n); err != nil {
			return nil, err
		}
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}
