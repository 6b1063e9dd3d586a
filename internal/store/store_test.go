package store_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/causeway-access/causeway/internal/store"
)

func TestStoreKeepsWhatItAcknowledged(t *testing.T) {
	dir := filepath.Join(shortDir(t), "etcd")
	for i, want := range []string{"", "first"} {
		s, err := store.Start(t.Context(), store.Config{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		client := connect(t, s)
		got, err := client.Get(t.Context(), "key")
		if err != nil {
			t.Fatal(err)
		}
		value := ""
		for _, kv := range got.Kvs {
			value = string(kv.Value)
		}
		if value != want {
			t.Errorf("start %d: key holds %q, want %q", i, value, want)
		}
		if _, err := client.Put(t.Context(), "key", "first"); err != nil {
			t.Fatal(err)
		}
		s.Close()
	}
}

func TestStoreLetsNobodyElseIn(t *testing.T) {
	dir := filepath.Join(shortDir(t), "etcd")
	s, err := store.Start(t.Context(), store.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	info, err := os.Stat(dir)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o700 {
		t.Errorf("the directory has mode %v, want 0700", info.Mode().Perm())
	}
	for _, line := range abstractSockets(t) {
		t.Errorf("an abstract socket, which any process may dial: %s", line)
	}
}

// abstractSockets are the unix sockets of this process's network namespace
// that have a name but no file, as far as they are etcd's.
func abstractSockets(t *testing.T) []string {
	t.Helper()
	table, err := os.ReadFile("/proc/net/unix")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for line := range strings.Lines(string(table)) {
		if fields := strings.Fields(line); len(fields) == 8 && strings.HasPrefix(fields[7], "@") && strings.Contains(fields[7], "peer") {
			found = append(found, line)
		}
	}
	return found
}

func TestStoreSaysThatItsDataIsDamaged(t *testing.T) {
	dir := filepath.Join(shortDir(t), "etcd")
	s, err := store.Start(t.Context(), store.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
	damage(t, filepath.Join(dir, "member", "member", "snap", "db"))
	s, err = store.Start(t.Context(), store.Config{Dir: dir, StartTimeout: 20 * time.Second})
	if err == nil {
		s.Close()
		t.Fatal("the store started on a damaged file")
	}
	if !strings.Contains(err.Error(), dir) {
		t.Errorf("the error does not name the directory: %v", err)
	}
}

// damage overwrites the beginning of a file.
func damage(t *testing.T, path string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte(strings.Repeat("damaged!", 2048)), 0); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestStoreRefusesADirectoryTooLongForItsSockets(t *testing.T) {
	_, err := store.Start(t.Context(), store.Config{Dir: filepath.Join(t.TempDir(), strings.Repeat("long", 30))})
	if err == nil || !strings.Contains(err.Error(), "shorter data directory") {
		t.Fatalf("got %v, want advice to choose a shorter directory", err)
	}
}

func TestStoreReplacesSocketsOfAKilledProcess(t *testing.T) {
	dir := filepath.Join(shortDir(t), "etcd")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"etcd.sock", "http.sock", "peer.sock"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s, err := store.Start(t.Context(), store.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
	if _, err := os.Stat(filepath.Join(dir, "member")); err != nil {
		t.Error(err)
	}
}

func connect(t *testing.T, s *store.Store) *clientv3.Client {
	t.Helper()
	client, err := store.Endpoints{Servers: []string{s.Endpoint()}}.Client()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := client.Close(); err != nil && err != context.Canceled {
			t.Error(err)
		}
	})
	return client
}

// shortDir is a directory whose path leaves room for the names of sockets,
// which a test's own may not.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "store")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil && !os.IsNotExist(err) {
			t.Error(err)
		}
	})
	return dir
}
