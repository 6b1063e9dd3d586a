//go:build linux && host && root

package cri

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// The images of the tests. Nobody pulls them.
const (
	toolsImage    = "causeway.test/tools:1"
	pauseImage    = "causeway.test/pause:1"
	strangerImage = "causeway.test/stranger:1"
)

// tools are the programs of the image, with the libraries that they need.
var tools = []string{
	"sh", "awk", "cat", "date", "env", "false", "grep", "head", "hostname", "id", "ls", "mount", "ps", "python3", "setsid",
	"sleep", "stty", "tail", "test", "touch", "true", "tty", "unshare",
}

// archive makes a file of images, of this machine's programs: tools, one for
// sandboxes, that does nothing but take in processes without parents, and one
// of a user whom it does not have.
func archive(t *testing.T) string {
	t.Helper()
	layer := toolsLayer(t)
	images := map[name.Tag]v1.Image{}
	for image, config := range map[string]v1.Config{
		toolsImage:    {Env: []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin"}},
		strangerImage: {User: "stranger"},
		pauseImage:    {Entrypoint: []string{"/bin/sh", "-c", "while :; do sleep infinity; done"}},
	} {
		img, err := mutate.AppendLayers(empty.Image, layer)
		if err == nil {
			img, err = mutate.Config(img, config)
		}
		if err == nil {
			img, err = mutate.ConfigFile(img, platform(t, img))
		}
		if err != nil {
			t.Fatal(err)
		}
		tag, err := name.NewTag(image)
		if err != nil {
			t.Fatal(err)
		}
		images[tag] = img
	}
	path := filepath.Join(t.TempDir(), "images.tar")
	if err := tarball.MultiWriteToFile(path, images); err != nil {
		t.Fatal(err)
	}
	return path
}

func platform(t *testing.T, img v1.Image) *v1.ConfigFile {
	t.Helper()
	config, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	config = config.DeepCopy()
	config.OS, config.Architecture = "linux", runtime.GOARCH
	return config
}

// toolsLayer has all files of the images.
func toolsLayer(t *testing.T) v1.Layer {
	t.Helper()
	var b bytes.Buffer
	l := &layerWriter{t: t, tar: tar.NewWriter(&b), seen: map[string]bool{}}
	for _, dir := range []string{"etc", "root", "tmp", "mnt", "proc", "sys", "dev", "usr", "usr/bin", "usr/lib", "usr/lib64", "var", "run"} {
		l.add(tar.Header{Name: dir, Typeflag: tar.TypeDir, Mode: 0o755})
	}
	for _, link := range []string{"bin", "sbin", "lib", "lib64"} {
		l.add(tar.Header{Name: link, Typeflag: tar.TypeSymlink, Linkname: "usr/" + strings.Replace(link, "sbin", "bin", 1)})
	}
	l.text("etc/passwd", "root:x:0:0:root:/root:/bin/sh\n")
	l.text("etc/group", "root:x:0:\n")
	for _, tool := range tools {
		l.program(tool)
	}
	l.python()
	if err := l.tar.Close(); err != nil {
		t.Fatal(err)
	}
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b.Bytes())), nil },
		tarball.WithCompressionLevel(gzip.NoCompression))
	if err != nil {
		t.Fatal(err)
	}
	return layer
}

// layerWriter writes a layer of an image.
type layerWriter struct {
	t    *testing.T
	tar  *tar.Writer
	seen map[string]bool
}

func (l *layerWriter) add(h tar.Header, content ...byte) {
	l.t.Helper()
	if l.seen[h.Name] {
		return
	}
	l.seen[h.Name] = true
	h.Size = int64(len(content))
	err := l.tar.WriteHeader(&h)
	if err == nil {
		_, err = l.tar.Write(content)
	}
	if err != nil {
		l.t.Fatal(err)
	}
}

func (l *layerWriter) text(path, content string) {
	l.add(tar.Header{Name: path, Typeflag: tar.TypeReg, Mode: 0o644}, []byte(content)...)
}

// file takes a file of this machine, at a name below usr.
func (l *layerWriter) file(from, to string) {
	l.t.Helper()
	content, err := os.ReadFile(from)
	if err != nil {
		l.t.Fatal(err)
	}
	l.add(tar.Header{Name: to, Typeflag: tar.TypeReg, Mode: 0o755}, content...)
}

var libraries = regexp.MustCompile(`/[^ ]+`)

// program takes a program and its libraries.
func (l *layerWriter) program(tool string) {
	l.t.Helper()
	path, err := exec.LookPath(filepath.Join("/usr/bin", tool))
	if err != nil {
		path, err = exec.LookPath(tool)
	}
	if err != nil {
		l.t.Fatal(err)
	}
	l.file(path, "usr/bin/"+tool)
	l.linked(path)
}

// linked takes the libraries of a file.
func (l *layerWriter) linked(path string) {
	l.t.Helper()
	out, err := exec.Command("ldd", path).Output()
	if err != nil {
		return // it has none
	}
	for _, library := range libraries.FindAllString(string(out), -1) {
		to := strings.TrimPrefix(library, "/")
		if !strings.HasPrefix(to, "usr/") {
			to = "usr/" + to
		}
		dir := filepath.Dir(to)
		l.add(tar.Header{Name: dir, Typeflag: tar.TypeDir, Mode: 0o755})
		l.file(library, to)
	}
}

// python takes the standard library of python3, but for what is large.
func (l *layerWriter) python() {
	l.t.Helper()
	out, err := exec.Command("/usr/bin/python3", "-c", "import os; print(os.path.dirname(os.__file__))").Output()
	if err != nil {
		l.t.Fatal(err)
	}
	dir := strings.TrimSpace(string(out))
	left := []string{"test", "__pycache__", "dist-packages", "idlelib", "tkinter", "lib2to3", "pydoc_data", "distutils", "unittest", "ensurepip"}
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && slices.Contains(left, d.Name()):
			return fs.SkipDir
		case d.IsDir():
			l.add(tar.Header{Name: path[1:], Typeflag: tar.TypeDir, Mode: 0o755})
		case d.Type().IsRegular() && strings.HasSuffix(path, ".py"):
			l.file(path, path[1:])
		}
		return nil
	})
	if err != nil {
		l.t.Fatal(err)
	}
}
