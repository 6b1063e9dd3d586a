package reload_test

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/causeway-access/causeway/internal/authn/reload"
)

func parse(data []byte) (string, error) {
	if bytes.HasPrefix(data, []byte("bad")) {
		return "", errors.New("it is bad")
	}
	return string(data), nil
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// A file's life: changed in place, replaced by rename, spoiled, removed and put
// back. Only good contents are ever seen.
func TestFileIsFollowed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		path := filepath.Join(t.TempDir(), "file")
		write(t, path, "one")
		file, err := reload.Watch(t.Context(), path, slog.New(slog.NewTextHandler(&log, nil)), parse)
		if err != nil {
			t.Fatal(err)
		}
		expect := func(want string) {
			t.Helper()
			time.Sleep(3 * reload.Interval)
			synctest.Wait()
			if got := file.Get(); got != want {
				t.Errorf("Get() = %q, want %q", got, want)
			}
		}
		expect("one")
		write(t, path, "two")
		expect("two")
		write(t, path+".new", "333")
		if err := os.Rename(path+".new", path); err != nil {
			t.Fatal(err)
		}
		expect("333")
		write(t, path, "bad content")
		expect("333")
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		expect("333")
		write(t, path, "four")
		expect("four")

		for text, times := range map[string]int{"it is bad": 1, "cannot be read": 1, "is in use": 3} {
			if got := strings.Count(log.String(), text); got != times {
				t.Errorf("%q was logged %d times, want %d:\n%s", text, got, times, log.String())
			}
		}
	})
}

func TestFirstReadingMustBeGood(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "bad"), "bad")
	write(t, filepath.Join(dir, "large"), strings.Repeat("x", reload.MaxSize+1))
	for _, name := range []string{"missing", "bad", "large"} {
		path := filepath.Join(dir, name)
		_, err := reload.Watch(t.Context(), path, nil, parse)
		if err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: error = %v, want one that names the file", name, err)
		}
	}
}
