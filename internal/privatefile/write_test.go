package privatefile_test

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/causeway-access/causeway/internal/privatefile"
)

func TestWriteMakesFileAndDirectoryPrivate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "secret")
	if err := privatefile.Write(path, []byte("one")); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]os.FileMode{path: 0o600, filepath.Dir(path): 0o700} {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != want {
			t.Errorf("%s has mode %v, want %v", name, info.Mode().Perm(), want)
		}
	}
}

func TestReadersSeeOldOrNewAndNeverAPart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	contents := map[string]bool{strings.Repeat("a", 1<<16): true, strings.Repeat("b", 1<<16): true}
	for c := range contents {
		if err := privatefile.Write(path, []byte(c)); err != nil {
			t.Fatal(err)
		}
	}
	var writer sync.WaitGroup
	writer.Go(func() {
		for range 20 {
			for c := range contents {
				if err := privatefile.Write(path, []byte(c)); err != nil {
					t.Error(err)
				}
			}
		}
	})
	for range 200 {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !contents[string(data)] {
			t.Fatalf("read %d bytes that nobody wrote whole", len(data))
		}
	}
	writer.Wait()
}

func TestAFailedWriteLeavesTheOldFileAndNothingElse(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "taken")
	if err := os.MkdirAll(filepath.Join(path, "sub"), 0o700); err != nil { // a directory cannot be replaced by a file
		t.Fatal(err)
	}
	err := privatefile.Write(path, []byte("x"))
	if err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("got %v, want an error that names %s", err, path)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 1 {
		t.Errorf("left behind: %v", entries)
	}
}
