package walkthrough

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestUpSaysThatItsStoreIsDamaged damages a copy of the store's files in one
// way after another; with the files as they were, everything is there.
func TestUpSaysThatItsStoreIsDamaged(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	up := start(t, h.up())
	createConfigMap(t, up, "before")
	if err := up.stop(); err != nil {
		t.Fatal(err)
	}
	member := h.data("etcd", "member", "member")
	database := filepath.Join(member, "snap", "db")
	log := only(t, filepath.Join(member, "wal", "*.wal"))
	for _, test := range []struct {
		name, file string
		harm       func([]byte) []byte
	}{
		{"database overwritten", database, overwritten},
		{"database cut short", database, func(b []byte) []byte { return b[:4096+100] }},
		{"database of another kind", database, func([]byte) []byte { return []byte("not a database\n") }},
		{"log overwritten", log, overwritten},
	} {
		t.Run(test.name, func(t *testing.T) {
			data, err := os.ReadFile(test.file)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { rewrite(t, test.file, data) })
			rewrite(t, test.file, test.harm(bytes.Clone(data)))
			refuses(t, h.up(), 1, "opening the store", h.data("etcd"), "backup")
		})
	}
	hasConfigMaps(t, start(t, h.up()), "before")
}

// overwritten has other content from its second kilobyte on.
func overwritten(b []byte) []byte {
	copy(b[1024:], strings.Repeat("damaged!", 4096))
	return b
}

func only(t *testing.T, pattern string) string {
	t.Helper()
	found, err := filepath.Glob(pattern)
	if err != nil || len(found) != 1 {
		t.Fatalf("%s is %v, %v; want one file", pattern, found, err)
	}
	return found[0]
}

// rewrite changes a file in place, so that owner and mode stay.
func rewrite(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}
