package cri

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/distribution/reference"
	pb "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/causeway-access/causeway/internal/podrun"
)

// full is the whole name that a short one stands for; IDs stay as they are.
func full(name string) (string, error) {
	if strings.HasPrefix(name, "sha256:") || len(name) == 64 && strings.Trim(name, "0123456789abcdef") == "" { // CRI-O's
		return name, nil
	}
	named, err := reference.ParseDockerRef(name)
	if err != nil {
		return "", fmt.Errorf("the image's name %q: %w", name, err)
	}
	return named.String(), nil
}

// image finds one that is here.
func (r *Runtime) image(ctx context.Context, name string) (podrun.Image, error) {
	if name == podrun.HostImage {
		return podrun.Image{}, fmt.Errorf("%w: the image %s is this machine's own files, which %s cannot run: name an image of a registry, or run the node without a container runtime", podrun.ErrNotFound, name, r.name)
	}
	whole, err := full(name)
	if err != nil {
		return podrun.Image{}, err
	}
	response, err := r.images.ImageStatus(ctx, &pb.ImageStatusRequest{Image: &pb.ImageSpec{Image: whole}})
	if err != nil {
		return podrun.Image{}, fmt.Errorf("the image %s: %w", name, plain(err))
	}
	if response.GetImage() == nil {
		return podrun.Image{}, fmt.Errorf("the image %s: %w", name, podrun.ErrNotFound)
	}
	return r.imageOf(response.GetImage()), nil
}

func (r *Runtime) imageOf(i *pb.Image) podrun.Image {
	image := podrun.Image{ID: i.GetId(), Size: int64(i.GetSize()), User: i.GetUsername(), Pinned: i.GetPinned() || r.pins.has(i.GetId())}
	image.Names = append(append(image.Names, i.GetRepoTags()...), i.GetRepoDigests()...)
	if i.GetUid() != nil {
		image.User = strconv.FormatInt(i.GetUid().GetValue(), 10)
	}
	return image
}

// PullImage implements [podrun.Images].
func (r *Runtime) PullImage(ctx context.Context, name string, auth podrun.Auth) (podrun.Image, error) {
	if name == podrun.HostImage {
		return r.image(ctx, name)
	}
	whole, err := full(name)
	if err != nil {
		return podrun.Image{}, err
	}
	request := &pb.PullImageRequest{Image: &pb.ImageSpec{Image: whole, UserSpecifiedImage: name}}
	if auth != (podrun.Auth{}) {
		request.Auth = &pb.AuthConfig{Username: auth.Username, Password: auth.Password, RegistryToken: auth.Token}
	}
	if _, err := r.images.PullImage(ctx, request); err != nil {
		return podrun.Image{}, fmt.Errorf("pulling the image %s: %w", name, plain(err))
	}
	return r.image(ctx, name)
}

// ListImages implements [podrun.Images].
func (r *Runtime) ListImages(ctx context.Context) ([]podrun.Image, error) {
	response, err := r.images.ListImages(ctx, &pb.ListImagesRequest{})
	if err != nil {
		return nil, fmt.Errorf("listing images: %w", plain(err))
	}
	list := []podrun.Image{}
	for _, i := range response.GetImages() {
		list = append(list, r.imageOf(i))
	}
	return list, nil
}

// RemoveImage implements [podrun.Images].
func (r *Runtime) RemoveImage(ctx context.Context, name string) error {
	r.using.Lock()
	defer r.using.Unlock()
	image, err := r.image(ctx, name)
	if notFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := r.inUse(ctx, image.ID); err != nil {
		return fmt.Errorf("removing the image %s: %w", name, err)
	}
	whole, err := full(name)
	if err == nil {
		_, err = r.images.RemoveImage(ctx, &pb.RemoveImageRequest{Image: &pb.ImageSpec{Image: whole}})
	}
	if err = plain(err); err != nil && !notFound(err) {
		return fmt.Errorf("removing the image %s: %w", name, err)
	}
	return r.pins.remove(image.ID)
}

// inUse is an error if a container has an image, be it one of another agent.
func (r *Runtime) inUse(ctx context.Context, image string) error {
	sandboxes, err := r.List(ctx)
	if err != nil {
		return err
	}
	if err := podrun.InUse(sandboxes, image); err != nil {
		return err
	}
	all, err := r.runtime.ListContainers(ctx, &pb.ListContainersRequest{})
	if err != nil {
		return fmt.Errorf("listing containers: %w", plain(err))
	}
	for _, c := range all.GetContainers() {
		if c.GetImageRef() == image || c.GetImageId() == image {
			return fmt.Errorf("the container %s has it, which is not of this node", c.GetId())
		}
	}
	return nil
}

// ImageDir implements [podrun.Images].
func (r *Runtime) ImageDir(ctx context.Context) (string, error) {
	response, err := r.images.ImageFsInfo(ctx, &pb.ImageFsInfoRequest{})
	if err != nil {
		return "", fmt.Errorf("asking where images are: %w", plain(err))
	}
	for _, fs := range response.GetImageFilesystems() {
		if dir := fs.GetFsId().GetMountpoint(); dir != "" {
			return dir, nil
		}
	}
	return "", fmt.Errorf("%s does not say where images are", r.name)
}
