package image

import (
	"archive/tar"
	"bufio"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path"
	"runtime"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/causeway-access/causeway/internal/podrun"
)

// Pull gets an image from its registry.
func (s *Store) Pull(ctx context.Context, reference string, auth podrun.Auth) (podrun.Image, error) {
	if reference == podrun.HostImage {
		return host.Image, nil
	}
	ref, err := name.ParseReference(reference)
	if err != nil {
		return podrun.Image{}, fmt.Errorf("the image's name: %w", err)
	}
	who := authn.Anonymous
	if auth != (podrun.Auth{}) {
		who = authn.FromConfig(authn.AuthConfig{Username: auth.Username, Password: auth.Password, RegistryToken: auth.Token})
	}
	transport := s.transport()
	defer transport.CloseIdleConnections()
	img, err := remote.Image(ref, remote.WithContext(ctx), remote.WithAuth(who), remote.WithTransport(transport),
		remote.WithPlatform(v1.Platform{OS: "linux", Architecture: runtime.GOARCH}))
	if err != nil {
		return podrun.Image{}, fmt.Errorf("pulling the image %s: %w", reference, err)
	}
	added, err := s.add(img, ref.Name())
	if err != nil {
		return podrun.Image{}, fmt.Errorf("pulling the image %s: %w", reference, err)
	}
	return added, nil
}

// transport is for one pull: the library's own but for who dials.
func (s *Store) transport() *http.Transport {
	t := new(http.Transport)
	if usual, ok := remote.DefaultTransport.(*http.Transport); ok {
		t = usual.Clone()
	}
	if s.Dial != nil {
		t.DialContext = s.Dial
	}
	return t
}

// Import takes the images of an archive: of docker save, or an OCI layout in a
// tar file; either may be compressed by gzip. They are pinned: where they came
// from nobody else knows.
func (s *Store) Import(archive string) ([]podrun.Image, error) {
	images, err := s.importAny(archive)
	for i := range images {
		err = errors.Join(err, s.pin(images[i].ID))
		images[i].Pinned = true
	}
	if err != nil {
		return nil, fmt.Errorf("importing the images of %s: %w", archive, err)
	}
	return images, nil
}

func (s *Store) importAny(archive string) ([]podrun.Image, error) {
	open := func() (io.ReadCloser, error) { return open(archive) }
	docker, oci := false, false
	err := each(open, func(h *tar.Header, _ io.Reader) error {
		docker = docker || path.Clean(h.Name) == "manifest.json"
		oci = oci || path.Clean(h.Name) == "oci-layout"
		return nil
	})
	switch {
	case err != nil:
		return nil, err
	case docker:
		return s.importDocker(open)
	case oci:
		return s.importLayout(open)
	}
	return nil, errors.New("it has neither manifest.json, as docker save writes it, nor oci-layout: it is no archive of images")
}

func (s *Store) importDocker(open tarball.Opener) ([]podrun.Image, error) {
	manifest, err := tarball.LoadManifest(open)
	if err != nil {
		return nil, fmt.Errorf("reading manifest.json: %w", err)
	}
	var images []podrun.Image
	for _, m := range manifest {
		var tag *name.Tag
		if len(m.RepoTags) > 0 {
			t, err := name.NewTag(m.RepoTags[0])
			if err != nil {
				return nil, fmt.Errorf("the image's name: %w", err)
			}
			tag = &t
		} else if len(manifest) > 1 {
			return nil, errors.New("one of several images has no name")
		}
		img, err := tarball.Image(open, tag)
		if err != nil {
			return nil, err
		}
		added, err := s.addNamed(img, m.RepoTags)
		if err != nil {
			return nil, err
		}
		images = append(images, added)
	}
	return images, nil
}

// refName is where an OCI layout says the name of an image; containerd writes
// the whole of it beside.
var refName = []string{"io.containerd.image.name", "org.opencontainers.image.ref.name"}

func (s *Store) importLayout(open tarball.Opener) ([]podrun.Image, error) {
	dir, err := os.MkdirTemp(s.dir, partial)
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	if err := extract(open, dir); err != nil {
		return nil, err
	}
	index, err := layout.ImageIndexFromPath(dir)
	if err != nil {
		return nil, err
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		return nil, err
	}
	var images []podrun.Image
	for _, d := range manifest.Manifests {
		img, err := choose(index, d)
		if err != nil {
			return nil, err
		}
		var names []string
		for _, key := range refName {
			if n := d.Annotations[key]; n != "" && len(names) == 0 {
				names = append(names, n)
			}
		}
		added, err := s.addNamed(img, names)
		if err != nil {
			return nil, err
		}
		images = append(images, added)
	}
	return images, nil
}

// choose is the image that a descriptor means, for this machine if there are several.
func choose(index v1.ImageIndex, d v1.Descriptor) (v1.Image, error) {
	if !d.MediaType.IsIndex() {
		return index.Image(d.Digest)
	}
	inner, err := index.ImageIndex(d.Digest)
	if err != nil {
		return nil, err
	}
	manifest, err := inner.IndexManifest()
	if err != nil {
		return nil, err
	}
	for _, d := range manifest.Manifests {
		if d.Platform == nil || d.Platform.OS == "linux" && d.Platform.Architecture == runtime.GOARCH {
			return inner.Image(d.Digest)
		}
	}
	return nil, fmt.Errorf("it has no image for linux/%s", runtime.GOARCH)
}

func (s *Store) addNamed(img v1.Image, names []string) (podrun.Image, error) {
	added, err := s.add(img, "")
	for _, n := range names {
		if err != nil {
			break
		}
		if n, err = full(n); err == nil {
			added, err = s.add(img, n)
		}
	}
	return added, err
}

// extract writes an OCI layout's files. Nothing but plain files is in one, and
// none of them outside dir ([os.Root]).
func extract(open tarball.Opener, dir string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	return each(open, func(h *tar.Header, content io.Reader) error {
		if h.Typeflag != tar.TypeReg {
			return nil
		}
		name := strings.TrimPrefix(path.Clean("/"+h.Name), "/")
		if err := root.MkdirAll(path.Dir(name), 0o700); err != nil {
			return err
		}
		f, err := root.Create(name)
		if err != nil {
			return err
		}
		_, err = io.Copy(f, content)
		return errors.Join(err, f.Close())
	})
}

// each calls f with the entries of an archive.
func each(open tarball.Opener, f func(*tar.Header, io.Reader) error) error {
	file, err := open()
	if err != nil {
		return err
	}
	defer file.Close()
	for r := tar.NewReader(file); ; {
		h, err := r.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("it is no tar file, or damaged: %w", err)
		}
		if err := f(h, r); err != nil {
			return err
		}
	}
}

// open opens an archive, and uncompresses it if it is compressed.
func open(archive string) (io.ReadCloser, error) {
	f, err := os.Open(archive)
	if err != nil {
		return nil, err
	}
	buffered := bufio.NewReader(f)
	magic, _ := buffered.Peek(2)
	both := struct {
		io.Reader
		io.Closer
	}{buffered, f}
	if string(magic) != "\x1f\x8b" {
		return both, nil
	}
	if both.Reader, err = gzip.NewReader(buffered); err != nil {
		f.Close()
		return nil, err
	}
	return both, nil
}
