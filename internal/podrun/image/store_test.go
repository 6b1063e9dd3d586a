//go:build linux

package image

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/causeway-access/causeway/internal/podrun"
)

func store(t *testing.T) *Store {
	t.Helper()
	s, err := Open(filepath.Join(t.TempDir(), "images"))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// sample is an image of two layers.
func sample(t *testing.T) v1.Image {
	t.Helper()
	img := v1.Image(empty.Image)
	for i, entries := range [][]tar.Header{{file("bin/app"), file("old")}, {file("etc/conf"), file(".wh.old")}} {
		data := archive(t, string(rune('0'+i)), entries...)
		layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil })
		if err != nil {
			t.Fatal(err)
		}
		if img, err = mutate.AppendLayers(img, layer); err != nil {
			t.Fatal(err)
		}
	}
	img, err := mutate.Config(img, v1.Config{
		Entrypoint: []string{"/bin/app"}, Cmd: []string{"serve"}, Env: []string{"A=1"}, WorkingDir: "/srv", User: "1000:1000", StopSignal: "SIGINT",
	})
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// check looks whether a store has the sample by a name.
func check(t *testing.T, s *Store, reference string) {
	t.Helper()
	img, err := s.Get(reference)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"bin": "directory", "bin/app": "0", "etc": "directory", "etc/conf": "1"}
	if diff := cmp.Diff(want, tree(t, img.Root)); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	if img.Entrypoint[0] != "/bin/app" || img.Cmd[0] != "serve" || img.Env[0] != "A=1" || img.Dir != "/srv" ||
		img.User != "1000:1000" || img.StopSignal != 2 || img.Size != 3 {
		t.Errorf("configuration: %+v", img)
	}
}

func TestImagesArePulled(t *testing.T) {
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	defer server.Close()
	reference := strings.TrimPrefix(server.URL, "http://") + "/team/app:v1"
	ref, err := name.ParseReference(reference)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(ref, sample(t)); err != nil {
		t.Fatal(err)
	}
	s := store(t)
	pulled, err := s.Pull(t.Context(), reference, podrun.Auth{})
	if err != nil {
		t.Fatal(err)
	}
	check(t, s, reference)
	check(t, s, pulled.ID)
	if _, err := s.Pull(t.Context(), reference+"x", podrun.Auth{}); err == nil || !strings.Contains(err.Error(), "pulling the image") {
		t.Errorf("an image that is not there: %v", err)
	}
	if again, err := s.Pull(t.Context(), reference, podrun.Auth{}); err != nil || again.ID != pulled.ID {
		t.Errorf("the second time: %+v, %v", again, err)
	}
}

// A store whose own network has no registries dials by somebody else's.
func TestRegistriesAreDialledAsToldToo(t *testing.T) {
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	defer server.Close()
	at := strings.TrimPrefix(server.URL, "http://")
	ref, err := name.ParseReference(at + "/team/app:v1")
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(ref, sample(t)); err != nil {
		t.Fatal(err)
	}
	s := store(t)
	var dialled atomic.Int64
	s.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		dialled.Add(1)
		if address != "localhost:1" {
			return nil, fmt.Errorf("dialling %s", address)
		}
		return (&net.Dialer{}).DialContext(ctx, network, at)
	}
	if _, err := s.Pull(t.Context(), "localhost:1/team/app:v1", podrun.Auth{}); err != nil {
		t.Fatal(err)
	}
	check(t, s, "localhost:1/team/app:v1")
	if dialled.Load() == 0 {
		t.Error("nobody was asked to dial")
	}
}

func TestImagesAreImportedFromArchives(t *testing.T) {
	work := t.TempDir()
	docker, oci := filepath.Join(work, "docker.tar"), filepath.Join(work, "oci.tar")
	tag, err := name.NewTag("example.com/app:docker")
	if err != nil {
		t.Fatal(err)
	}
	if err := tarball.WriteToFile(docker, tag, sample(t)); err != nil {
		t.Fatal(err)
	}
	writeLayout(t, oci, sample(t), "example.com/app:oci")
	s := store(t)
	for path, reference := range map[string]string{docker: "example.com/app:docker", oci: "example.com/app:oci"} {
		images, err := s.Import(path)
		if err != nil || len(images) != 1 {
			t.Fatalf("%s: %v, %v", path, images, err)
		}
		check(t, s, reference)
	}
	list, err := s.List()
	if err != nil || len(list) != 2 || list[0].ID != podrun.HostImage || len(list[1].Names) != 2 {
		t.Errorf("both are one image with two names: %+v, %v", list, err)
	}
	nothing := filepath.Join(work, "nothing.tar")
	for _, data := range [][]byte{archive(t, "x", file("x")), []byte("no archive, but quite long: " + strings.Repeat("x", 600)), nil} {
		if err := os.WriteFile(nothing, data, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Import(nothing); err == nil {
			t.Errorf("%.20q was imported", data)
		}
	}
}

// writeLayout writes an OCI layout as a tar file.
func writeLayout(t *testing.T, path string, img v1.Image, reference string) {
	t.Helper()
	dir := t.TempDir()
	l, err := layout.Write(dir, empty.Index)
	if err == nil {
		err = l.AppendImage(img, layout.WithAnnotations(map[string]string{"org.opencontainers.image.ref.name": reference}))
	}
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	w := tar.NewWriter(f)
	if err := errors.Join(w.AddFS(os.DirFS(dir)), w.Close(), f.Close()); err != nil {
		t.Fatal(err)
	}
}

func TestADamagedLayerIsNoImage(t *testing.T) {
	img := sample(t)
	path := filepath.Join(t.TempDir(), "docker.tar")
	tag, err := name.NewTag("example.com/app:v1")
	if err != nil {
		t.Fatal(err)
	}
	// The configuration names other content than the layers have.
	config, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	config = config.DeepCopy()
	config.RootFS.DiffIDs[0].Hex = strings.Repeat("0", 64)
	if img, err = mutate.ConfigFile(img, config); err != nil {
		t.Fatal(err)
	}
	if err := tarball.WriteToFile(path, tag, img); err != nil {
		t.Fatal(err)
	}
	s := store(t)
	if _, err := s.Import(path); err == nil || !strings.Contains(err.Error(), "damaged") {
		t.Errorf("got %v, want an error that says it is damaged", err)
	}
	entries, err := os.ReadDir(s.dir)
	if err != nil || len(entries) != 0 {
		t.Errorf("left: %v, %v", entries, err)
	}
}

func TestImagesAreRemovedWithTheirLastName(t *testing.T) {
	s := store(t)
	for _, n := range []string{"example.com/app:one", "example.com/app:two"} {
		if _, err := s.addNamed(sample(t), []string{n}); err != nil {
			t.Fatal(err)
		}
	}
	// What a process left that died while it unpacked.
	if err := os.Mkdir(filepath.Join(s.dir, partial+"x"), 0o700); err != nil {
		t.Fatal(err)
	}
	s, err := Open(s.dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Remove("example.com/app:one"); err != nil {
		t.Fatal(err)
	}
	check(t, s, "example.com/app:two")
	if _, err := s.Get("example.com/app:one"); !errors.Is(err, podrun.ErrNotFound) {
		t.Errorf("the removed name: %v", err)
	}
	if err := errors.Join(s.Remove("example.com/app:two"), s.Remove("example.com/app:two")); err != nil {
		t.Error(err)
	}
	entries, err := os.ReadDir(s.dir)
	if err != nil || len(entries) != 1 || entries[0].Name() != namesFile {
		t.Errorf("left: %v, %v", entries, err)
	}
	if err := s.Remove(podrun.HostImage); err == nil {
		t.Error("the machine was removed")
	}
}

func TestImportedImagesArePinned(t *testing.T) {
	s := store(t)
	archive := filepath.Join(t.TempDir(), "images.tar")
	if err := tarball.WriteToFile(archive, name.MustParseReference("example/app:1"), sample(t)); err != nil {
		t.Fatal(err)
	}
	images, err := s.Import(archive)
	if err != nil || len(images) != 1 || !images[0].Pinned {
		t.Fatalf("imported %+v, %v; want one that is pinned", images, err)
	}
	again, err := Open(s.dir)
	if err != nil {
		t.Fatal(err)
	}
	if img, err := again.Get("example/app:1"); err != nil || !img.Pinned {
		t.Errorf("after a restart: %+v, %v", img, err)
	}
	if err := again.Remove(images[0].ID); err != nil {
		t.Fatal(err)
	}
	pulled, err := again.add(sample(t), "index.docker.io/example/app:1")
	if err != nil || pulled.Pinned {
		t.Errorf("one that was removed and came back otherwise: %+v, %v", pulled, err)
	}
}

func TestWhatIsNoImageIsRemovedAtTheStart(t *testing.T) {
	s := store(t)
	const good, cut, rootless = "example/good:1", "example/cut:1", "example/rootless:1"
	var dirs []string
	for i, n := range []string{good, cut, rootless} {
		img, err := mutate.Config(sample(t), v1.Config{Cmd: []string{n}})
		if err != nil {
			t.Fatal(err)
		}
		full, err := full(n)
		if err != nil {
			t.Fatal(err)
		}
		added, err := s.add(img, full)
		if err != nil {
			t.Fatal(i, err)
		}
		dir, _ := s.path(added.ID)
		dirs = append(dirs, dir)
	}
	err := errors.Join(
		os.Truncate(filepath.Join(dirs[1], imageFile), 3), os.RemoveAll(filepath.Join(dirs[2], rootDir)),
		os.MkdirAll(filepath.Join(s.dir, partial+"1/root/bin"), 0o700),
		os.Mkdir(filepath.Join(s.dir, "not-ours"), 0o700),
	)
	if err != nil {
		t.Fatal(err)
	}
	again, err := Open(s.dir)
	if err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		t.Fatal(err)
	}
	var left []string
	for _, e := range entries {
		if e.IsDir() {
			left = append(left, e.Name())
		}
	}
	if diff := cmp.Diff([]string{filepath.Base(dirs[0]), "not-ours"}, left); diff != "" {
		t.Errorf("directories (-want +got):\n%s", diff)
	}
	if _, err := again.Get(good); err != nil {
		t.Errorf("the good one: %v", err)
	}
	for _, n := range []string{cut, rootless} {
		if img, err := again.Get(n); !errors.Is(err, podrun.ErrNotFound) {
			t.Errorf("%s: %+v, %v; want that it is not there, so that it is pulled again", n, img, err)
		}
	}
}
