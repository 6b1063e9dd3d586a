package volume

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/utils/ptr"
)

// texts makes content of strings.
func texts(files map[string]string) content {
	c := content{}
	for path, text := range files {
		c[path] = file{data: []byte(text), mode: 0o644}
	}
	return c
}

// seen is what a program finds that reads the volume as documents say: the
// files by their paths, through the links.
func seen(t *testing.T, dir string) map[string]string {
	t.Helper()
	found := map[string]string{}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), "..") {
			continue
		}
		// The link is to be followed, which WalkDir does not do at its root.
		root, err := filepath.EvalSymlinks(filepath.Join(dir, entry.Name()))
		if err != nil {
			t.Fatal(err)
		}
		err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			data, err := os.ReadFile(path)
			found[entry.Name()+strings.TrimPrefix(path, root)] = string(data)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return found
}

func dataOf(t *testing.T, dir string) string {
	t.Helper()
	to, err := os.Readlink(filepath.Join(dir, "..data"))
	if err != nil {
		t.Fatal(err)
	}
	return to
}

func TestReplaceStory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "v")
	steps := []map[string]string{
		{"a": "1", "b": "2"},
		{"a": "1", "b": "3"},
		{"b": "3", "sub/c": "4", "sub/deep/d": "5"},
		{"sub/c": "4"},
		{},
		{"a": ""},
	}
	for i, step := range steps {
		if err := replace(dir, texts(step), nil); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(step, seen(t, dir)); d != "" {
			t.Errorf("step %d (-want +got):\n%s", i, d)
		}
		entries, err := filepath.Glob(filepath.Join(dir, "..*"))
		if err != nil || len(entries) != 2 {
			t.Errorf("step %d: the workings are %v, want ..data and what it leads to", i, entries)
		}
		before := dataOf(t, dir)
		if err := replace(dir, texts(step), nil); err != nil || dataOf(t, dir) != before {
			t.Errorf("step %d: replaced by the same: %s, then %s, %v", i, before, dataOf(t, dir), err)
		}
	}
}

func TestReplaceRecoversFromAnEndInTheMiddle(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "v")
	want := map[string]string{"a": "1", "b": "2"}
	if err := replace(dir, texts(want), nil); err != nil {
		t.Fatal(err)
	}
	// As if the end had come while a next content was written, and before the
	// links of this one were.
	for _, err := range []error{
		os.MkdirAll(filepath.Join(dir, "..2026_01_01_00_00_00.1", "x"), 0o755),
		os.Symlink("nowhere", filepath.Join(dir, "..data_tmp")),
		os.Symlink("..data/gone", filepath.Join(dir, "gone")),
		os.Remove(filepath.Join(dir, "b")),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := replace(dir, texts(want), nil); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, seen(t, dir)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if entries, _ := filepath.Glob(filepath.Join(dir, "..*")); len(entries) != 2 {
		t.Errorf("left behind: %v", entries)
	}
	// ..data leads to a directory that is gone.
	if err := os.RemoveAll(filepath.Join(dir, dataOf(t, dir))); err != nil {
		t.Fatal(err)
	}
	if err := replace(dir, texts(want), nil); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, seen(t, dir)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestReadersSeeOneContentOrTheOther(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "v")
	write := func(n int) error {
		text := fmt.Sprint(n)
		return replace(dir, texts(map[string]string{"a": text, "b": text}), nil)
	}
	if err := write(0); err != nil {
		t.Fatal(err)
	}
	stop := make(chan struct{})
	var reader sync.WaitGroup
	reader.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			// A program that wants several files of one time holds their directory.
			root, err := os.OpenRoot(filepath.Join(dir, "..data"))
			if errors.Is(err, fs.ErrNotExist) {
				continue // replaced between the link and what it leads to: look again
			}
			if err != nil {
				t.Errorf("..data is not there: %v", err)
				return
			}
			a, errA := root.ReadFile("a")
			b, errB := root.ReadFile("b")
			if errA == nil && errB == nil && string(a) != string(b) {
				t.Errorf("read %s and %s at one time", a, b)
			}
			root.Close()
			if _, err := os.Lstat(filepath.Join(dir, "a")); err != nil {
				t.Errorf("the link to a file is not there: %v", err)
			}
		}
	})
	for n := range 200 {
		if err := write(n); err != nil {
			t.Error(err)
		}
	}
	close(stop)
	reader.Wait()
}

func TestModesAndOwners(t *testing.T) {
	group := int64(os.Getegid())
	files := content{
		"plain":  {mode: 0o644},
		"strict": {mode: 0o400},
		"exec":   {mode: 0o755},
		"mine":   {mode: 0o600, user: ptr.To(int64(os.Geteuid()))},
	}
	for _, test := range []struct {
		name  string
		group *int64
		want  map[string]fs.FileMode
	}{
		{"no group", nil, map[string]fs.FileMode{"plain": 0o644, "strict": 0o400, "exec": 0o755, "mine": 0o600}},
		{"a group", &group, map[string]fs.FileMode{"plain": 0o644, "strict": 0o440, "exec": 0o755, "mine": 0o640}},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "v")
			if err := replace(dir, files, test.group); err != nil {
				t.Fatal(err)
			}
			for name, want := range test.want {
				if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode() != want {
					t.Errorf("%s has mode %v, want %v (%v)", name, info.Mode(), want, err)
				}
			}
			info, err := os.Stat(dir)
			if err != nil || info.Mode().Perm() != 0o755 || info.Mode()&fs.ModeSetgid != 0 != (test.group != nil) {
				t.Errorf("the volume has mode %v, %v", info.Mode(), err)
			}
			before := dataOf(t, dir)
			if err := replace(dir, files, test.group); err != nil || dataOf(t, dir) != before {
				t.Errorf("the same modes are not seen as the same: %v", err)
			}
		})
	}
	dir := filepath.Join(t.TempDir(), "v")
	if err := replace(dir, content{"f": {mode: 0o644}}, nil); err != nil {
		t.Fatal(err)
	}
	if err := replace(dir, content{"f": {mode: 0o600}}, nil); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(filepath.Join(dir, "f")); err != nil || info.Mode() != 0o600 {
		t.Errorf("a change of the mode alone gives %v, %v", info.Mode(), err)
	}
}

func TestPathsStayInTheVolume(t *testing.T) {
	for path, good := range map[string]bool{
		"a": true, "a/b": true, ".hidden": true, "a/..b": true, "a.b-c_d": true,
		"": false, ".": false, "..": false, "../x": false, "a/../../x": false, "/etc/passwd": false,
		"..data": false, "..data/x": false, "a//b": false, "a/": false, "./a": false, "a\x00b": false,
	} {
		if err := checkPath(path); err == nil != good {
			t.Errorf("%q: %v", path, err)
		}
	}
}

func FuzzReplaceStaysInTheVolume(f *testing.F) {
	for _, path := range []string{"a", "a/b", "../x", "..data", "a/../b", "/x", "a\x00", strings.Repeat("a/", 50) + "b"} {
		f.Add(path, []byte("data"))
	}
	f.Fuzz(func(t *testing.T, path string, data []byte) {
		top := t.TempDir()
		dir := filepath.Join(top, "v")
		err := replace(dir, content{path: {data: data, mode: 0o644}}, nil)
		entries, readErr := os.ReadDir(top)
		if readErr != nil || len(entries) > 1 {
			t.Fatalf("%q wrote beside the volume: %v", path, entries)
		}
		if err != nil {
			return
		}
		got, err := os.ReadFile(filepath.Join(dir, path))
		if err != nil || string(got) != string(data) {
			t.Errorf("%q: read %q, %v", path, got, err)
		}
	})
}
