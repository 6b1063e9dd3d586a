package upkeep

import (
	"context"
	"errors"
	"maps"
	"path/filepath"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/causeway-access/causeway/internal/podrun"
	"github.com/causeway-access/causeway/internal/podrun/disk"
)

// PodUse is what a pod takes of the disk.
type PodUse struct {
	// At is when it was measured.
	At time.Time
	// Volumes are those of kind emptyDir on disk, by name.
	Volumes map[string]disk.Use
	// Containers are by name; all attempts together.
	Containers map[string]ContainerUse
}

// ContainerUse is what a container takes.
type ContainerUse struct {
	// Root is what it has written beside its image, Logs its output.
	Root, Logs disk.Use
}

// Total is all together.
func (u PodUse) Total() disk.Use {
	var sum disk.Use
	for v := range maps.Values(u.Volumes) {
		sum = sum.Plus(v)
	}
	for c := range maps.Values(u.Containers) {
		sum = sum.Plus(c.Root).Plus(c.Logs)
	}
	return sum
}

// Pod is what a pod took when it was last measured, if it was.
func (k *Keeper) Pod(uid types.UID) (PodUse, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	u, known := k.uses[uid]
	return u, known
}

// measure measures all pods. What cannot be measured is as it was.
func (k *Keeper) measure(ctx context.Context) {
	boxes, err := k.cfg.Runtime.List(ctx)
	if err != nil {
		k.complain(ctx, "Measuring the disk use of pods", err)
		return
	}
	uses := map[types.UID]PodUse{}
	for _, p := range k.cfg.Pods.Pods() {
		use, err := k.measurePod(ctx, p, boxes)
		if err != nil {
			if ctx.Err() != nil {
				return
			}
			k.cfg.Log.Debug("The disk use of a pod cannot be measured", "pod", p.Namespace+"/"+p.Name, "error", err)
			before, known := k.Pod(p.UID)
			if !known {
				continue
			}
			use = before
		}
		uses[p.UID] = use
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.uses = uses
}

func (k *Keeper) measurePod(ctx context.Context, p *corev1.Pod, boxes []podrun.Sandbox) (PodUse, error) {
	u := PodUse{At: time.Now(), Volumes: map[string]disk.Use{}, Containers: map[string]ContainerUse{}}
	for _, v := range p.Spec.Volumes {
		if v.EmptyDir == nil || v.EmptyDir.Medium != corev1.StorageMediumDefault {
			continue
		}
		use, err := count(ctx, k.cfg.EmptyDir(p.UID, v.Name))
		if err != nil {
			return u, err
		}
		u.Volumes[v.Name] = use
	}
	for _, name := range containers(p) {
		logs, err := count(ctx, filepath.Join(k.cfg.LogDir(p), name))
		if err != nil {
			return u, err
		}
		u.Containers[name] = ContainerUse{Logs: logs}
	}
	for _, box := range boxes {
		if box.Config.UID != string(p.UID) {
			continue
		}
		written, err := k.cfg.Runtime.Written(ctx, box.ID)
		if errors.Is(err, podrun.ErrNotFound) {
			continue // it has just gone
		}
		if err != nil {
			return u, err
		}
		for _, c := range box.Containers {
			one := u.Containers[c.Config.Name]
			one.Root = one.Root.Plus(written[c.ID])
			u.Containers[c.Config.Name] = one
		}
	}
	return u, nil
}

// count counts a directory. Of one that is too deep what was counted counts.
func count(ctx context.Context, dir string) (disk.Use, error) {
	use, err := disk.Of(ctx, dir)
	if errors.Is(err, disk.ErrTooDeep) {
		err = nil
	}
	return use, err
}

// containers are the names of a pod's containers, of all kinds.
func containers(p *corev1.Pod) []string {
	var names []string
	for _, list := range [][]corev1.Container{p.Spec.InitContainers, p.Spec.Containers} {
		for i := range list {
			names = append(names, list[i].Name)
		}
	}
	for i := range p.Spec.EphemeralContainers {
		names = append(names, p.Spec.EphemeralContainers[i].Name)
	}
	return names
}
