package pods

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"golang.org/x/sync/singleflight"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/causeway-access/causeway/internal/node/podspec"
	"github.com/causeway-access/causeway/internal/podrun"
)

// atOnce is how many images are pulled at the same time.
const atOnce = 4

// pulls gets images, each once for all who want it at the same time.
type pulls struct {
	images podrun.Images
	flight *singleflight.Group
	places chan struct{}
}

func newPulls(images podrun.Images) pulls {
	return pulls{images: images, flight: &singleflight.Group{}, places: make(chan struct{}, atOnce)}
}

// find returns an image that is here, or nil.
func (p pulls) find(ctx context.Context, reference string) (*podrun.Image, error) {
	if reference == podrun.HostImage {
		image, err := p.images.PullImage(ctx, reference, podrun.Auth{})
		return &image, err
	}
	list, err := p.images.ListImages(ctx)
	if err != nil {
		return nil, fmt.Errorf("listing the node's images: %w", err)
	}
	wanted := fullName(reference)
	for i, image := range list {
		named := func(n string) bool { return n == reference || fullName(n) == wanted }
		if image.ID == reference || slices.ContainsFunc(image.Names, named) {
			return &list[i], nil
		}
	}
	return nil, nil
}

// fullName is an image's with its registry and tag.
func fullName(reference string) string {
	ref, err := name.ParseReference(reference)
	if err != nil {
		return reference
	}
	return ref.Name()
}

// pull gets an image with one of the credentials, or none if there are none.
func (p pulls) pull(ctx context.Context, reference string, auths []podrun.Auth) (podrun.Image, error) {
	select {
	case p.places <- struct{}{}:
		defer func() { <-p.places }()
	case <-ctx.Done():
		return podrun.Image{}, ctx.Err()
	}
	if len(auths) == 0 {
		auths = []podrun.Auth{{}}
	}
	var errs []error
	for _, auth := range auths {
		image, err, _ := p.flight.Do(fmt.Sprintf("%q %q", reference, auth), func() (any, error) {
			return p.images.PullImage(ctx, reference, auth)
		})
		if err == nil {
			return image.(podrun.Image), nil
		}
		errs = append(errs, err)
	}
	return podrun.Image{}, errors.Join(errs...)
}

// puller is a pull under way, or ended.
type puller struct {
	reference string
	done      bool
	image     podrun.Image
	err       error
	// ended is when, for the back-off.
	ended time.Time
}

// image returns a container's image if it is here. Else it sees to it that it
// will be; then settled says whether containers after this one need not wait.
func (w *worker) image(ctx context.Context, c *container) (image *podrun.Image, settled bool) {
	if _, err := name.ParseReference(c.spec.Image); err != nil {
		w.invalidName(c, err)
		return nil, true
	}
	if p := c.puller; p != nil && p.reference == c.spec.Image {
		switch {
		case !p.done:
			return nil, false
		case p.err == nil:
			c.puller, c.pull = nil, backoff{}
			return &p.image, true
		case w.pullBacksOff(c):
			return nil, true
		}
	} else {
		found, settled := w.here(ctx, c)
		if found != nil || settled {
			return found, true
		}
	}
	w.pull(ctx, c)
	return nil, false
}

// here looks for the image on the node. settled says that it is not to be pulled.
func (w *worker) here(ctx context.Context, c *container) (image *podrun.Image, settled bool) {
	reference := c.spec.Image
	found, err := w.m.pulls.find(ctx, reference)
	switch {
	case err != nil:
		w.cannotMake(ctx, c, "ImageInspectError", err)
		return nil, true
	case found != nil && (reference == podrun.HostImage || c.spec.ImagePullPolicy != corev1.PullAlways):
		if c.retry.delay == 0 {
			w.normal(c, reasonPulled, "Container image %q already present on machine", reference)
		}
		return found, true
	case c.spec.ImagePullPolicy == corev1.PullNever:
		text := fmt.Sprintf("Container image %q is not present with pull policy of Never", reference)
		if c.why.name != reasonNeverPull {
			w.warning(c, reasonNeverPull, "%s", text)
			w.warning(c, reasonFailed, "Error: %s", reasonNeverPull)
		}
		c.why = reason{reasonNeverPull, text}
		w.after(w.m.config.Retry.Max) // it may be imported
		return nil, true
	}
	return nil, false
}

func (w *worker) invalidName(c *container, err error) {
	text := fmt.Sprintf("Failed to apply default image tag %q: couldn't parse image name %q: %v", c.spec.Image, c.spec.Image, err)
	if c.why.name != "InvalidImageName" {
		w.warning(c, reasonInspectFailed, "%s", text)
		w.warning(c, reasonFailed, "Error: InvalidImageName")
	}
	c.why = reason{"InvalidImageName", text}
}

// pullBacksOff says whether a pull that has failed is not to be repeated yet.
func (w *worker) pullBacksOff(c *container) bool {
	left := c.pull.left(w.m.config.Pull, c.puller.ended, time.Now())
	if left == 0 {
		return false
	}
	w.after(left)
	switch c.why.name {
	case "ErrImagePull":
		c.why = reason{"ImagePullBackOff", fmt.Sprintf("Back-off pulling image %q: ErrImagePull: %v", c.spec.Image, c.puller.err)}
		w.normal(c, reasonBackOff, "Back-off pulling image %q", c.spec.Image)
		w.warning(c, reasonFailed, "Error: ImagePullBackOff")
	case "ImagePullBackOff":
	default:
		c.why = reason{"ErrImagePull", c.puller.err.Error()}
		w.after(min(left, time.Second))
	}
	return true
}

// pull begins to get the image; the worker is told of its end.
func (w *worker) pull(ctx context.Context, c *container) {
	p := &puller{reference: c.spec.Image}
	c.puller, c.why = p, reason{}
	w.normal(c, reasonPulling, "Pulling image %q", p.reference)
	secrets := w.pullSecrets(ctx)
	began := time.Now()
	life := w.life
	w.m.running.Go(func() {
		auths, err := podspec.Credentials(secrets, p.reference)
		if err != nil {
			w.log.Warn("reading pull secrets failed", "error", err)
		}
		image, err := w.m.pulls.pull(life, p.reference, auths)
		w.later(func() {
			p.done, p.image, p.err, p.ended = true, image, err, time.Now()
			w.pulled(c, p, p.ended.Sub(began).Round(time.Millisecond))
		})
	})
}

// pulled tells how it went.
func (w *worker) pulled(c *container, p *puller, took time.Duration) {
	if p.err == nil {
		w.normal(c, reasonPulled, "Successfully pulled image %q in %s (%s including waiting). Image size: %d bytes.", p.reference, took, took, p.image.Size)
		return
	}
	c.pull.next(w.m.config.Pull, p.ended)
	w.warning(c, reasonFailed, "Failed to pull image %q: %v", p.reference, p.err)
	w.warning(c, reasonFailed, "Error: ErrImagePull")
}

// pullSecrets are those of the pod that there are.
func (w *worker) pullSecrets(ctx context.Context) []*corev1.Secret {
	var list []*corev1.Secret
	for _, ref := range w.pod.Spec.ImagePullSecrets {
		s, err := w.m.config.Client.CoreV1().Secrets(w.pod.Namespace).Get(ctx, ref.Name, metav1.GetOptions{})
		if err != nil {
			w.warning(nil, "FailedToRetrieveImagePullSecret", "Unable to retrieve some image pull secrets (%s); attempting to pull the image may not succeed.", ref.Name)
			continue
		}
		list = append(list, s)
	}
	return list
}
