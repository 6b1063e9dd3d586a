package cri

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/causeway-access/causeway/internal/podrun"
	"github.com/causeway-access/causeway/internal/podrun/image"
)

// namespace is where containerd keeps what CRI sees.
const namespace = "k8s.io"

// longestNotice is how long containerd may take to notice an image.
const longestNotice = time.Minute

// ImportImages implements [podrun.Images]. CRI has no call for it: containerd's
// own program does it, which is beside it on most machines.
func (r *Runtime) ImportImages(ctx context.Context, archive string) ([]podrun.Image, error) {
	images, err := r.importImages(ctx, archive)
	for i := range images {
		err = errors.Join(err, r.pins.add(images[i].ID))
		images[i].Pinned = true
	}
	if err != nil {
		return nil, fmt.Errorf("importing the images of %s: %w", archive, err)
	}
	return images, nil
}

func (r *Runtime) importImages(ctx context.Context, archive string) ([]podrun.Image, error) {
	if r.name != "containerd" {
		return nil, fmt.Errorf("%s takes images from registries alone through its interface: push them to one, or copy them with its own tools (skopeo copy docker-archive:FILE containers-storage:NAME)", r.name)
	}
	ctr, err := exec.LookPath(r.config.Ctr)
	if err != nil {
		return nil, fmt.Errorf("containerd imports images by its program ctr, which is not here: install it, or push the images to a registry: %w", err)
	}
	names, err := image.Names(archive)
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		return nil, errors.New("none of its images has a name, by which containerd knows them: save it with one")
	}
	// The archive may be a file that has no name but in this process.
	file, err := os.Open(archive)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	cmd := exec.CommandContext(ctx, ctr, "--address", r.config.Endpoint, "--namespace", namespace, "images", "import", "-")
	cmd.Stdin = file
	out, err := cmd.CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("ctr: %w: %s", err, strings.TrimSpace(string(out)))
	}
	var images []podrun.Image
	for _, name := range names {
		i, err := r.noticed(ctx, name)
		if err != nil {
			return nil, err
		}
		images = append(images, i)
	}
	return images, nil
}

// noticed waits until the runtime's interface knows an image that is there.
func (r *Runtime) noticed(ctx context.Context, name string) (podrun.Image, error) {
	ctx, cancel := context.WithTimeout(ctx, longestNotice)
	defer cancel()
	for {
		i, err := r.image(ctx, name)
		if !notFound(err) {
			return i, err
		}
		select {
		case <-ctx.Done():
			return i, err
		case <-time.After(20 * time.Millisecond):
		}
	}
}
