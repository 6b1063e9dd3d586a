//go:build linux && host

package volume_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/causeway-access/causeway/internal/node/volume"
	"github.com/causeway-access/causeway/test/fakeapi"
	"github.com/causeway-access/causeway/test/inside"
)

func inMemory(t *testing.T, dir string) bool {
	t.Helper()
	var fs unix.Statfs_t
	if err := unix.Statfs(dir, &fs); err != nil {
		t.Fatal(err)
	}
	return fs.Type == unix.TMPFS_MAGIC
}

// mounted tells whether anything is mounted at or below dir.
func mounted(t *testing.T, dir string) bool {
	t.Helper()
	text, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	return strings.Contains(string(text), " "+dir)
}

func TestSecretsAndMemoryAreOnATmpfsThatGoesWithThem(t *testing.T) {
	if !inside.Namespaces(t) {
		return
	}
	dir := t.TempDir()
	client := fakeapi.NewClientset(&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "s"}, Data: map[string][]byte{"k": []byte("v")}})
	limit := resource.MustParse("1Mi")
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "p", UID: "u1"}, Spec: corev1.PodSpec{Volumes: []corev1.Volume{
		secretVolume("s", "s", false),
		{Name: "fast", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{Medium: corev1.StorageMediumMemory, SizeLimit: &limit}}},
	}}}
	for agent := range 2 { // the second finds what the first left
		m, err := volume.New(volume.Config{Dir: dir, Node: "n", Client: client})
		if err != nil {
			t.Fatal(err)
		}
		paths, err := m.Mount(t.Context(), pod)
		if err != nil {
			t.Fatal(err)
		}
		if !inMemory(t, paths["s"]) || !inMemory(t, paths["fast"]) {
			t.Error("on disk")
		}
		file := filepath.Join(paths["fast"], "kept")
		if agent == 0 {
			if err := os.WriteFile(file, make([]byte, 2<<20), 0o600); err == nil {
				t.Error("2 MiB have room in 1 MiB")
			}
			if err := os.WriteFile(file, []byte("x"), 0o600); err != nil {
				t.Error(err)
			}
			continue
		}
		if data, err := os.ReadFile(file); err != nil || string(data) != "x" {
			t.Errorf("lost with the first agent: %v", err)
		}
		// A container has mounted something of the node's there. It is not lost.
		precious := t.TempDir()
		if err := os.WriteFile(filepath.Join(precious, "file"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Mkdir(filepath.Join(paths["fast"], "at"), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := unix.Mount(precious, filepath.Join(paths["fast"], "at"), "", unix.MS_BIND, ""); err != nil {
			t.Fatal(err)
		}
		if err := m.Unmount("u1"); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(filepath.Join(precious, "file")); err != nil {
			t.Errorf("removed through a mount: %v", err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := m.Run(ctx); err != nil {
			t.Error(err)
		}
	}
	if mounted(t, dir) {
		t.Error("something is still mounted")
	}
}

func TestClearTakesMountsAway(t *testing.T) {
	if !inside.Namespaces(t) {
		return
	}
	dir := filepath.Join(t.TempDir(), "volumes")
	if err := volume.Clear(dir); err != nil { // where there has never been an agent
		t.Fatal(err)
	}
	if _, err := volume.New(volume.Config{Dir: dir, Node: "n", Client: fakeapi.NewClientset()}); err != nil {
		t.Fatal(err)
	}
	if !mounted(t, dir) {
		t.Fatal("no tmpfs")
	}
	if err := volume.Clear(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir); mounted(t, dir) || !os.IsNotExist(err) {
		t.Errorf("left: %v", err)
	}
}
