//go:build linux

package pods

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestPartsOfVolumesStayWithinThem(t *testing.T) {
	dir := t.TempDir()
	volume := filepath.Join(dir, "volume")
	for _, err := range []error{
		os.Mkdir(volume, 0o755), os.WriteFile(filepath.Join(dir, "secret"), []byte("secret"), 0o600),
		os.Mkdir(filepath.Join(volume, "inner"), 0o755), os.WriteFile(filepath.Join(volume, "inner", "file"), []byte("good"), 0o600),
		os.Symlink("inner/file", filepath.Join(volume, "good")), os.Symlink("../secret", filepath.Join(volume, "up")),
		os.Symlink(filepath.Join(dir, "secret"), filepath.Join(volume, "away")), os.Symlink("..", filepath.Join(volume, "inner", "parent")),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct {
		part, want string
		bad        bool
	}{
		{part: "inner/file", want: "good"}, {part: "good", want: "good"}, {part: "inner/parent/good", want: "good"},
		{part: "up", bad: true}, {part: "away", bad: true}, {part: "inner/parent/../secret", bad: true}, {part: "good/under-a-file", bad: true},
	} {
		opened := &files{}
		path, err := opened.within(volume, test.part)
		if test.bad != (err != nil) {
			t.Errorf("%s: %q, %v", test.part, path, err)
		}
		if err == nil {
			if got, err := os.ReadFile(path); err != nil || string(got) != test.want {
				t.Errorf("%s: %q, %v", test.part, got, err)
			}
		}
		opened.close()
	}
	opened := &files{}
	defer opened.close()
	path, err := opened.within(volume, "new/directory")
	if info, statErr := os.Stat(filepath.Join(volume, "new", "directory")); err != nil || statErr != nil || !info.IsDir() {
		t.Errorf("what was missing: %v, %v", err, statErr)
	}
	// What a container does afterwards does not change what was opened.
	if err := os.Remove(filepath.Join(volume, "new", "directory")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(dir, filepath.Join(volume, "new", "directory")); err != nil {
		t.Fatal(err)
	}
	if entries, err := os.ReadDir(path); len(entries) > 0 || err != nil && !strings.Contains(err.Error(), "no such file") {
		t.Errorf("it leads to %v, %v", entries, err)
	}
}
