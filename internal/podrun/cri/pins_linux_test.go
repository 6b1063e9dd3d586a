package cri

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	pb "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// openPins is what a new agent makes of the file.
func openPins(t *testing.T, file string) *pins {
	t.Helper()
	p := &pins{file: file}
	if err := p.load(); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestPinsAreKeptUntilTheirImagesGo(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pinned.json")
	first := openPins(t, file)
	if first.has("sha256:a") {
		t.Error("an image is pinned that nobody has imported")
	}
	var all sync.WaitGroup
	for _, id := range []string{"sha256:b", "sha256:a", "sha256:a", "sha256:c"} {
		all.Go(func() {
			if err := first.add(id); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	second := openPins(t, file)
	for _, id := range []string{"sha256:b", "sha256:b", "sha256:never"} {
		if err := second.remove(id); err != nil {
			t.Error(err)
		}
	}
	third := openPins(t, file)
	if d := cmp.Diff([]string{"sha256:a", "sha256:c"}, third.ids); d != "" {
		t.Errorf("pinned (-want +got):\n%s", d)
	}
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("its file: %v, %v", info.Mode(), err)
	}
}

// An image that is not known to be pinned would be removed: better no agent.
func TestPinsThatCannotBeReadAreAnError(t *testing.T) {
	f := &fake{}
	config := Config{Endpoint: f.serve(t), Root: t.TempDir()}
	if err := os.WriteFile(filepath.Join(config.Root, "pinned.json"), []byte(`["sha256:a"`), 0o600); err != nil {
		t.Fatal(err)
	}
	if r, err := New(t.Context(), config); err == nil || !strings.Contains(err.Error(), "reading which images are pinned") {
		t.Errorf("opened: %v, %v", r, err)
	}
}

// What could not be written down is not pinned: it would not be after a restart.
func TestPinsThatCannotBeWrittenAreNone(t *testing.T) {
	taken := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(taken, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	p := &pins{file: filepath.Join(taken, "pinned.json")}
	if err := p.add("sha256:a"); err == nil || p.has("sha256:a") {
		t.Errorf("pinned %v, %v", p.has("sha256:a"), err)
	}
}

// A runtime has pins of its own, such as that of the image of its sandboxes.
func TestImagesArePinnedByEitherSide(t *testing.T) {
	r := &Runtime{pins: &pins{ids: []string{"sha256:ours"}}}
	for _, test := range []struct {
		image *pb.Image
		want  bool
	}{
		{&pb.Image{Id: "sha256:ours"}, true}, {&pb.Image{Id: "sha256:theirs", Pinned: true}, true}, {&pb.Image{Id: "sha256:other"}, false},
	} {
		if got := r.imageOf(test.image).Pinned; got != test.want {
			t.Errorf("%s: %v", test.image.GetId(), got)
		}
	}
}
