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

func TestTidyRemovesWhatWasCutOffAndNothingElse(t *testing.T) {
	dir := t.TempDir()
	if err := privatefile.Tidy(filepath.Join(dir, "missing")); err != nil {
		t.Error(err)
	}
	if err := privatefile.Write(filepath.Join(dir, "whole.1"), []byte("whole")); err != nil {
		t.Fatal(err)
	}
	// As [privatefile.Write] begins, and does not come to its end.
	cut, err := os.CreateTemp(dir, ".whole.1.*")
	if err != nil {
		t.Fatal(err)
	}
	cut.Close()
	for _, name := range []string{".hidden", ".7", "name.7"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, ".directory.7"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := privatefile.Tidy(dir); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if got, want := strings.Join(names, " "), ".7 .directory.7 .hidden name.7 whole.1"; got != want {
		t.Errorf("there is %s, want %s", got, want)
	}
}
