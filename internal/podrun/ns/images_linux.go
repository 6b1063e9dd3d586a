package ns

import (
	"context"
	"fmt"

	"github.com/causeway-access/causeway/internal/podrun"
)

// PullImage implements [podrun.Images].
func (r *Runtime) PullImage(ctx context.Context, reference string, auth podrun.Auth) (podrun.Image, error) {
	return r.images.Pull(ctx, reference, auth)
}

// ImportImages implements [podrun.Images].
func (r *Runtime) ImportImages(_ context.Context, archive string) ([]podrun.Image, error) {
	return r.images.Import(archive)
}

// ListImages implements [podrun.Images].
func (r *Runtime) ListImages(context.Context) ([]podrun.Image, error) { return r.images.List() }

// ImageDir implements [podrun.Images].
func (r *Runtime) ImageDir(context.Context) (string, error) { return r.imagesDir(), nil }

// RemoveImage implements [podrun.Images].
func (r *Runtime) RemoveImage(ctx context.Context, reference string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	img, err := r.images.Get(reference)
	if err != nil {
		return r.images.Remove(reference)
	}
	sandboxes, err := r.List(ctx)
	if err != nil {
		return err
	}
	if err := podrun.InUse(sandboxes, img.ID); err != nil {
		return fmt.Errorf("removing the image %s: %w", reference, err)
	}
	return r.images.Remove(reference)
}
