package upkeep

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	corev1 "k8s.io/api/core/v1"

	"github.com/causeway-access/causeway/internal/podrun"
)

// imageTimes are when each image, by its ID, was first seen here and last seen
// in use. An agent that has just been started has seen none before.
type imageTimes map[string]imageTime

type imageTime struct{ seen, used time.Time }

// note takes note of the images that there are, and returns those that nobody
// uses, the one first that has been out of use for longest.
func (t imageTimes) note(images []podrun.Image, used func(podrun.Image) bool, now time.Time) []podrun.Image {
	there := map[string]bool{}
	var unused []podrun.Image
	for _, i := range images {
		there[i.ID] = true
		at, known := t[i.ID]
		if !known {
			at.seen = now
		}
		if i.Pinned || i.ID == podrun.HostImage || used(i) {
			at.used = now
		} else {
			unused = append(unused, i)
		}
		t[i.ID] = at
	}
	for id := range t {
		if !there[id] {
			delete(t, id)
		}
	}
	slices.SortStableFunc(unused, func(a, b podrun.Image) int {
		return cmp.Or(t[a.ID].used.Compare(t[b.ID].used), t[a.ID].seen.Compare(t[b.ID].seen))
	})
	return unused
}

// old says whether an image has been here, and out of use, for some time.
func (t imageTimes) old(id string, age time.Duration, now time.Time) bool {
	at := t[id]
	return now.Sub(at.seen) >= age && now.Sub(at.used) >= age
}

// collect removes unused images if they take more of the disk than they may.
func (k *Keeper) collect(ctx context.Context, disks Disks) {
	now := time.Now()
	if now.Sub(k.collected) < k.cfg.Images {
		return
	}
	k.collected = now
	unused, err := k.unused(ctx, now)
	if err != nil {
		k.complain(ctx, "Looking for unused images", err)
		return
	}
	wanted := k.cfg.Settings.imageExcess(disks.Images)
	if wanted == 0 {
		return
	}
	freed, err := k.remove(ctx, unused, wanted, "space")
	switch {
	case ctx.Err() != nil:
	case err != nil:
		k.events.warn(reasonGCFailed, "Images could not be removed: %v", err)
		k.complain(ctx, "Removing unused images", err)
	case freed < wanted:
		k.events.warn(reasonFreeFailed, "Failed to garbage collect required amount of images. Attempted to free %d bytes, but only found %d bytes eligible to free.", wanted, freed)
	}
}

// unused are the images that nobody uses.
func (k *Keeper) unused(ctx context.Context, now time.Time) ([]podrun.Image, error) {
	images, err := k.cfg.Runtime.ListImages(ctx)
	if err != nil {
		return nil, fmt.Errorf("listing the images: %w", err)
	}
	boxes, err := k.cfg.Runtime.List(ctx)
	if err != nil {
		return nil, fmt.Errorf("listing the containers: %w", err)
	}
	wanted := references(k.cfg.Pods.Pods())
	return k.images.note(images, func(i podrun.Image) bool {
		return podrun.InUse(boxes, i.ID) != nil || wanted[i.ID] || slices.ContainsFunc(i.Names, func(n string) bool { return wanted[whole(n)] })
	}, now), nil
}

// references are the images of pods that have not ended, which may be about to
// be used.
func references(pods []*corev1.Pod) map[string]bool {
	names := map[string]bool{}
	for _, p := range pods {
		if p.Status.Phase == corev1.PodSucceeded || p.Status.Phase == corev1.PodFailed {
			continue
		}
		for _, list := range [][]corev1.Container{p.Spec.InitContainers, p.Spec.Containers} {
			for _, c := range list {
				names[whole(c.Image)] = true
			}
		}
		for _, c := range p.Spec.EphemeralContainers {
			names[whole(c.Image)] = true
		}
		for _, v := range p.Spec.Volumes {
			if v.Image != nil {
				names[whole(v.Image.Reference)] = true
			}
		}
	}
	return names
}

// whole is an image's name with its registry and tag.
func whole(reference string) string {
	ref, err := name.ParseReference(reference)
	if err != nil {
		return reference
	}
	return ref.Name()
}

// everything is more than there can be.
const everything = math.MaxInt64

// remove removes images until so many bytes are free, and says how many are.
func (k *Keeper) remove(ctx context.Context, unused []podrun.Image, wanted int64, why string) (freed int64, err error) {
	var errs []error
	for _, i := range unused {
		if freed >= wanted || ctx.Err() != nil {
			break
		}
		if !k.images.old(i.ID, k.cfg.Settings.ImageMinAge, time.Now()) {
			continue
		}
		if err := k.cfg.Runtime.RemoveImage(ctx, i.ID); err != nil {
			errs = append(errs, err)
			continue
		}
		freed += i.Size
		k.counts.images.WithLabelValues(why).Inc()
		called := i.ID
		if len(i.Names) > 0 {
			called = i.Names[0]
		}
		k.cfg.Log.Info("An unused image was removed", "image", called, "bytes", i.Size)
		k.events.tell(reasonRemoved, "Removed the unused image %q (%d bytes)", called, i.Size)
	}
	return freed, errors.Join(errs...)
}
