//go:build linux

package image

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

func TestTheNamesInAnArchiveAreRead(t *testing.T) {
	work := t.TempDir()
	docker, oci := filepath.Join(work, "docker.tar"), filepath.Join(work, "oci.tar")
	tag, err := name.NewTag("app:v1")
	if err != nil {
		t.Fatal(err)
	}
	if err := tarball.WriteToFile(docker, tag, sample(t)); err != nil {
		t.Fatal(err)
	}
	writeLayout(t, oci, sample(t), "example.com/app:oci")
	for path, want := range map[string][]string{docker: {"index.docker.io/library/app:v1"}, oci: {"example.com/app:oci"}} {
		got, err := Names(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", path, diff)
		}
	}
	if _, err := Names(filepath.Join(work, "nosuch.tar")); err == nil {
		t.Error("an archive that is not there has names")
	}
}

func FuzzNames(f *testing.F) {
	path := filepath.Join(f.TempDir(), "archive.tar")
	for _, list := range []string{`[{"RepoTags":["app:v1"]}]`, `[{}]`, `{"manifests":[{"annotations":{"org.opencontainers.image.ref.name":"app"}}]}`, ``, `null`, `[`} {
		f.Add(true, list)
		f.Add(false, list)
	}
	f.Fuzz(func(t *testing.T, docker bool, content string) {
		entry := "index.json"
		if docker {
			entry = "manifest.json"
		}
		if err := os.WriteFile(path, archive(t, content, file(entry)), 0o600); err != nil {
			t.Fatal(err)
		}
		names, err := Names(path)
		if err != nil {
			return
		}
		for _, n := range names {
			if whole, err := full(n); err != nil || whole != n {
				t.Errorf("%q is no whole name: %q, %v", n, whole, err)
			}
		}
	})
}
