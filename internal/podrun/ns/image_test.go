//go:build linux && host

package ns

import (
	"context"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/causeway-access/causeway/internal/podrun"
	"github.com/causeway-access/causeway/internal/podrun/ns/idmap"
	"github.com/causeway-access/causeway/test/inside"
	"github.com/causeway-access/causeway/test/shellimage"
)

// tell is what the image runs: it tells where it is.
const tell = `echo "$*" $PWD $FROM
while read -r name value rest; do
	case $name in Uid:|Gid:) echo $value ;; esac
done < /proc/self/status
test -e /usr || echo alone
while read -r line; do echo "$line"; done < /etc/resolv.conf`

// importApp makes an image of a shell alone and imports it.
func importApp(t *testing.T, r *Runtime, user string) podrun.Image {
	t.Helper()
	img := shellimage.New(t, v1.Config{Entrypoint: []string{"/bin/sh", "-c", tell, "app"}, Cmd: []string{"by", "default"}, Env: []string{"FROM=image"}, WorkingDir: "/work", User: user})
	tag, err := name.NewTag("example.com/app:v1")
	if err != nil {
		t.Fatal(err)
	}
	archive := filepath.Join(t.TempDir(), "app.tar")
	if err := tarball.WriteToFile(archive, tag, img); err != nil {
		t.Fatal(err)
	}
	images, err := r.ImportImages(t.Context(), archive)
	if err != nil || len(images) != 1 {
		t.Fatalf("%v, %v", images, err)
	}
	return images[0]
}

func TestAnImageOfAShellAloneRuns(t *testing.T) {
	if !inside.Namespaces(t) {
		return
	}
	r := open(t, testConfig(t))
	user, ids := "1234:99", "\n1234\n99\n"
	if !idmap.Users().Has(1234) {
		user, ids = "0:0", "\n0\n0\n" // an ordinary user has no other
	}
	img := importApp(t, r, user)
	sandbox, err := r.RunSandbox(t.Context(), podrun.SandboxConfig{
		Namespace: "default", Name: "app",
		DNS: podrun.DNS{Servers: []netip.Addr{netip.MustParseAddr("10.96.0.10")}, Searches: []string{"default.svc.cluster.local", "svc.cluster.local"}, Options: []string{"ndots:5"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.RemoveSandbox(context.Background(), sandbox); err != nil {
			t.Error(err)
		}
	})
	const dns = "search default.svc.cluster.local svc.cluster.local\nnameserver 10.96.0.10\noptions ndots:5\n"
	for _, test := range []struct {
		name   string
		config podrun.ContainerConfig
		want   string
	}{
		{"as it says", podrun.ContainerConfig{}, "by default /work image" + ids + "alone\n"},
		{"with arguments", podrun.ContainerConfig{Args: []string{"other"}}, "other /work image" + ids + "alone\n"},
		{"with a command", podrun.ContainerConfig{Command: []string{"/bin/sh", "-c", tell, "x"}, Dir: "/", Env: []string{"FROM=pod"}}, " / pod" + ids + "alone\n"},
	} {
		log := filepath.Join(t.TempDir(), "log")
		test.config.Name, test.config.Image, test.config.LogPath = "main", "example.com/app:v1", log
		id, err := r.CreateContainer(t.Context(), sandbox, test.config)
		if err == nil {
			err = r.StartContainer(t.Context(), id)
		}
		if err != nil {
			t.Fatal(test.name, err)
		}
		c, err := r.Wait(t.Context(), id)
		if err != nil || c.ExitCode != 0 || c.ImageID != img.ID {
			t.Errorf("%s: %+v, %v", test.name, c, err)
		}
		data, err := os.ReadFile(log)
		if err != nil {
			t.Fatal(err)
		}
		var text strings.Builder
		for line := range strings.Lines(string(data)) {
			text.WriteString(strings.SplitN(line, " ", 4)[3])
		}
		if text.String() != test.want+dns {
			t.Errorf("%s: got %q, want %q", test.name, text.String(), test.want+dns)
		}
		if err := r.RemoveImage(t.Context(), img.ID); err == nil {
			t.Errorf("%s: an image was removed that a container has", test.name)
		}
		if err := r.RemoveContainer(t.Context(), id); err != nil {
			t.Error(err)
		}
	}
	if err := r.RemoveImage(t.Context(), img.ID); err != nil {
		t.Error(err)
	}
}
