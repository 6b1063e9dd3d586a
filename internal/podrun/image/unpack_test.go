//go:build linux

package image

import (
	"archive/tar"
	"bytes"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// archive makes a layer of entries; content is that of plain files.
func archive(t testing.TB, content string, entries ...tar.Header) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range entries {
		if h.Typeflag == tar.TypeReg {
			h.Size = int64(len(content))
		}
		if h.Mode == 0 {
			h.Mode = 0o755
		}
		h.Uid, h.Gid, h.ModTime = os.Getuid(), os.Getgid(), time.Unix(1e9, 0)
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if h.Typeflag == tar.TypeReg {
			if _, err := io.WriteString(w, content); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// tree shows what is below dir: names, and what links and files hold.
func tree(t testing.TB, dir string) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		name, err := filepath.Rel(dir, path)
		switch {
		case e.IsDir():
			found[name] = "directory"
		case e.Type() == fs.ModeSymlink:
			to, _ := os.Readlink(path)
			found[name] = "-> " + to
		case e.Type().IsRegular():
			data, _ := os.ReadFile(path)
			found[name] = string(data)
		default:
			found[name] = e.Type().String()
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func file(name string) tar.Header { return tar.Header{Name: name, Typeflag: tar.TypeReg} }
func dir(name string) tar.Header  { return tar.Header{Name: name, Typeflag: tar.TypeDir} }
func symlink(name, to string) tar.Header {
	return tar.Header{Name: name, Typeflag: tar.TypeSymlink, Linkname: to}
}
func hardlink(name, to string) tar.Header {
	return tar.Header{Name: name, Typeflag: tar.TypeLink, Linkname: to}
}

func TestUnpackLaysLayersOverEachOther(t *testing.T) {
	for _, test := range []struct {
		name   string
		layers [][]tar.Header
		want   map[string]string
	}{
		{"files, links and missing directories", [][]tar.Header{{file("./a/b/c"), symlink("l", "/a/b"), hardlink("h", "a/b/c"), {Name: "p", Typeflag: tar.TypeFifo}}},
			map[string]string{"a": "directory", "a/b": "directory", "a/b/c": "0", "l": "-> /a/b", "h": "0", "p": "p---------"}},
		{"a later layer replaces", [][]tar.Header{{file("a"), dir("d"), file("d/x")}, {dir("a"), file("a/new"), file("d")}},
			map[string]string{"a": "directory", "a/new": "1", "d": "1"}},
		{"a directory keeps what is in it", [][]tar.Header{{dir("d"), file("d/x")}, {dir("d"), file("d/y")}},
			map[string]string{"d": "directory", "d/x": "0", "d/y": "1"}},
		{"marks remove", [][]tar.Header{{file("a"), file("d/x"), file("d/y")}, {file(".wh.a"), file("d/.wh.x"), file(".wh.never")}},
			map[string]string{"d": "directory", "d/y": "0"}},
		{"an opaque mark removes what is below alone", [][]tar.Header{{file("d/x"), file("d/e/y")}, {file("d/new"), file("d/.wh..wh..opq"), file("d/e/z")}},
			map[string]string{"d": "directory", "d/new": "1", "d/e": "directory", "d/e/z": "1"}},
		{"an absolute link on the way leads inside", [][]tar.Header{{dir("run"), symlink("var", "/run")}, {file("var/x")}},
			map[string]string{"run": "directory", "run/x": "1", "var": "-> /run"}},
		{"names with dots stay inside", [][]tar.Header{{file("../../x"), file("/y"), file("a/../../../z"), symlink("up", "../.."), file("up/w")}},
			map[string]string{"x": "0", "y": "0", "z": "0", "up": "-> ../..", "w": "0"}},
		{"a link is replaced, not followed, as the last name", [][]tar.Header{{file("target"), symlink("l", "target")}, {file("l")}},
			map[string]string{"target": "0", "l": "1"}},
		{"devices are left out", [][]tar.Header{{{Name: "null", Typeflag: tar.TypeChar, Devmajor: 1, Devminor: 3}}}, map[string]string{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			outer := t.TempDir()
			root := filepath.Join(outer, "root")
			if err := os.Mkdir(root, 0o755); err != nil {
				t.Fatal(err)
			}
			for i, entries := range test.layers {
				data := archive(t, string(rune('0'+i)), entries...)
				if _, err := Unpack(bytes.NewReader(data), root, 1<<20); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(test.want, tree(t, root)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if list := tree(t, outer); len(list) != len(test.want)+1 {
				t.Errorf("outside there is something: %v", list)
			}
		})
	}
}

func TestUnpackRefuses(t *testing.T) {
	for _, test := range []struct {
		name, want string
		data       []byte
	}{
		{"what is too large", "larger than", archive(t, strings.Repeat("x", 2000), file("x"))},
		{"a damaged archive", "reading the archive", archive(t, "x", file("x"), file("y"))[:1300]},
		{"a link to what is not there", "no such file", archive(t, "", hardlink("l", "../../etc/passwd"))},
		{"a mark without a name", "names nothing", archive(t, "", file(".wh..."))},
		{"a mark for the directory above", "names nothing", archive(t, "", file("d/.wh..."))},
	} {
		_, err := Unpack(bytes.NewReader(test.data), t.TempDir(), 1000)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", test.name, err, test.want)
		}
	}
}

func FuzzUnpackStaysInside(f *testing.F) {
	f.Add(archive(f, "x", file("a"), symlink("l", "/"), file("l/x"), hardlink("h", "l/../secret")))
	f.Add(archive(f, "x", symlink("out", "../outside"), file("out/x"), file("out"), file("out/.wh..wh..opq"), file(".wh.out")))
	f.Add(archive(f, "x", dir("../outside"), file("../outside/secret"), symlink("s", "/proc/self/root"), file("s/x")))
	f.Fuzz(func(t *testing.T, data []byte) {
		outer := t.TempDir()
		root, outside := filepath.Join(outer, "root"), filepath.Join(outer, "outside")
		for _, d := range []string{root, outside} {
			if err := os.Mkdir(d, 0o755); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.WriteFile(filepath.Join(outside, "secret"), []byte("secret"), 0o600); err != nil {
			t.Fatal(err)
		}
		before, err := os.Stat(filepath.Join(outside, "secret"))
		if err != nil {
			t.Fatal(err)
		}
		_, _ = Unpack(bytes.NewReader(data), root, 1<<20)
		after, err := os.Stat(filepath.Join(outside, "secret"))
		if err != nil || before.Mode() != after.Mode() || !before.ModTime().Equal(after.ModTime()) {
			t.Fatalf("a file outside was changed: %v, %v", after, err)
		}
		if diff := cmp.Diff(map[string]string{"secret": "secret"}, tree(t, outside)); diff != "" {
			t.Fatalf("outside (-want +got):\n%s", diff)
		}
		entries, err := os.ReadDir(outer)
		if err != nil || len(entries) != 2 {
			t.Fatalf("beside it there is something: %v, %v", entries, err)
		}
	})
}
