//go:build linux

package disk_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/causeway-access/causeway/internal/podrun/disk"
)

// use counts a directory; the bytes of directories themselves differ between
// file systems, so it is told what those of an empty one are.
func use(t *testing.T, dir string) disk.Use {
	t.Helper()
	u, err := disk.Of(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func write(t *testing.T, name string, size int) {
	t.Helper()
	if err := os.WriteFile(name, make([]byte, size), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestWhatIsBelowADirectoryIsCounted(t *testing.T) {
	const mib = 1 << 20
	for _, test := range []struct {
		name   string
		make   func(t *testing.T, dir string)
		least  int64
		most   int64
		inodes int64
	}{
		{"nothing", func(*testing.T, string) {}, 0, mib / 2, 1},
		{"a file", func(t *testing.T, dir string) { write(t, filepath.Join(dir, "a"), mib) }, mib, 3 * mib / 2, 2},
		{"files in directories", func(t *testing.T, dir string) {
			if err := os.MkdirAll(filepath.Join(dir, "x/y"), 0o700); err != nil {
				t.Fatal(err)
			}
			write(t, filepath.Join(dir, "x/a"), mib)
			write(t, filepath.Join(dir, "x/y/b"), mib)
		}, 2 * mib, 5 * mib / 2, 5},
		{"a file of two names", func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, "a"), mib)
			if err := os.Link(filepath.Join(dir, "a"), filepath.Join(dir, "b")); err != nil {
				t.Fatal(err)
			}
		}, mib, 3 * mib / 2, 2},
		{"a file that is all hole", func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, "a"), 0)
			if err := os.Truncate(filepath.Join(dir, "a"), 100*mib); err != nil {
				t.Fatal(err)
			}
		}, 0, mib / 2, 2},
		{"links that lead out", func(t *testing.T, dir string) {
			outside := t.TempDir()
			write(t, filepath.Join(outside, "a"), 4*mib)
			for name, to := range map[string]string{"dir": outside, "file": filepath.Join(outside, "a"), "loop": "."} {
				if err := os.Symlink(to, filepath.Join(dir, name)); err != nil {
					t.Fatal(err)
				}
			}
		}, 0, mib / 2, 4},
		{"many files", func(t *testing.T, dir string) {
			for i := range 1200 {
				write(t, filepath.Join(dir, fmt.Sprint(i)), 0)
			}
		}, 0, mib / 2, 1201},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			test.make(t, dir)
			if got := use(t, dir); got.Bytes < test.least || got.Bytes > test.most || got.Inodes != test.inodes {
				t.Errorf("got %+v; want %d to %d bytes, %d inodes", got, test.least, test.most, test.inodes)
			}
		})
	}
}

func TestWhatIsNotThereUsesNothing(t *testing.T) {
	if got := use(t, filepath.Join(t.TempDir(), "no")); got != (disk.Use{}) {
		t.Errorf("got %+v", got)
	}
}

func TestALinkInPlaceOfTheDirectoryIsNotFollowed(t *testing.T) {
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(t.TempDir(), link); err != nil {
		t.Fatal(err)
	}
	if got, err := disk.Of(t.Context(), link); err == nil {
		t.Errorf("got %+v, want an error", got)
	}
}

func TestDirectoriesThatAreTooDeepEndTheCount(t *testing.T) {
	top := t.TempDir()
	root, err := os.OpenRoot(top)
	if err != nil {
		t.Fatal(err)
	}
	for range 1100 { // longer than a path may be
		if err := root.Mkdir("d", 0o700); err != nil {
			t.Fatal(err)
		}
		next, err := root.OpenRoot("d")
		if err != nil {
			t.Fatal(err)
		}
		root.Close()
		root = next
	}
	root.Close()
	got, err := disk.Of(t.Context(), top)
	if !errors.Is(err, disk.ErrTooDeep) || got.Inodes < 1000 {
		t.Errorf("got %+v, %v; want more than 1000 inodes, and that it is too deep", got, err)
	}
}

func TestACountEndsWithWhoAsked(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := disk.Of(ctx, t.TempDir()); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestADiskHasASize(t *testing.T) {
	got, err := disk.At(t.TempDir())
	if err != nil || got.Size <= 0 || got.Free < 0 || got.Free > got.Size || got.Device == 0 {
		t.Errorf("got %+v, %v", got, err)
	}
	if _, err := disk.At(filepath.Join(t.TempDir(), "no")); err == nil {
		t.Error("what is not there has a disk")
	}
}
