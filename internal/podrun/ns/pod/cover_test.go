//go:build linux && host

package pod

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/causeway-access/causeway/test/inside"
)

// A directory in which nothing can be made gets a new one over it: what was in it is
// there again, files and directories by their content and links as they were.
func TestACoveredDirectoryHasWhatItHad(t *testing.T) {
	if !inside.Namespaces(t) {
		return
	}
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.MkdirAll(filepath.Join(dir, "inner", "deep"), 0o755); err != nil {
		t.Fatal(err)
	}
	write("file", "one")
	write("inner/deep/file", "two")
	for name, to := range map[string]string{"link": "inner/deep", "nowhere": "/no/such/file"} {
		if err := os.Symlink(to, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := cover(dir); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	if err := os.Mkdir(filepath.Join(dir, "new"), 0o755); err != nil {
		t.Errorf("nothing can be made in it: %v", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		switch text, err := os.ReadFile(path); {
		case e.Type()&os.ModeSymlink != 0:
			got[e.Name()], _ = os.Readlink(path)
		case err == nil:
			got[e.Name()] = string(text)
		default:
			got[e.Name()] = "directory"
		}
	}
	want := map[string]string{"file": "one", "inner": "directory", "link": "inner/deep", "nowhere": "/no/such/file", "new": "directory"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("it has (-want +got):\n%s", diff)
	}
	if text, err := os.ReadFile(filepath.Join(dir, "link", "file")); err != nil || string(text) != "two" {
		t.Errorf("what is further in: %q, %v", text, err)
	}
	// What was there is what is there: it is the same file.
	write("inner/deep/file", "three")
	if text, err := os.ReadFile(filepath.Join(dir, "link", "file")); err != nil || string(text) != "three" {
		t.Errorf("what is further in, changed: %q, %v", text, err)
	}
}

func TestACoverNeedsADirectory(t *testing.T) {
	if err := cover(filepath.Join(t.TempDir(), "missing")); !os.IsNotExist(err) {
		t.Errorf("covering what is not there: %v", err)
	}
}
