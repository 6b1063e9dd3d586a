package upkeep

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	resourcehelper "k8s.io/component-helpers/resource"
	"k8s.io/utils/ptr"
)

const (
	// worthwhile is how much must come free by a pod's end, in bytes: one that
	// has written less is not why the disk is full, and its end would not help.
	worthwhile = 16 << 20
	// mostCritical is the priority from which on pods are not ended here: those
	// without which the node or the cluster does not work
	// (system-cluster-critical and above).
	mostCritical = 2_000_000_000
)

// relieve frees what it can of a disk that is nearly full: first what nobody
// misses, then, if that was not enough, one pod. The next round looks again.
func (k *Keeper) relieve(ctx context.Context, what string) {
	if !k.scarce {
		k.scarce = true
		k.cfg.Log.Warn("The node is low on disk", "what", what)
	}
	k.events.warn(reasonThreshold, "Attempting to reclaim ephemeral-storage: %s", what)
	k.reclaim(ctx)
	disks, err := k.Disks(ctx)
	if err != nil || ctx.Err() != nil {
		return
	}
	if what = k.cfg.Settings.Scarce(disks); what == "" || k.ending() {
		return
	}
	if c, found := k.choose(); found {
		k.evict(c.pod, c.message(what), "nodefs.available")
	}
}

// reclaim removes unused images and what dead containers have written.
func (k *Keeper) reclaim(ctx context.Context) {
	if err := k.cfg.Pods.Slim(ctx); err != nil {
		k.complain(ctx, "Removing dead containers", err)
	}
	unused, err := k.unused(ctx, time.Now())
	if err == nil {
		_, err = k.remove(ctx, unused, everything, "space")
	}
	if err != nil && ctx.Err() == nil {
		k.events.warn(reasonGCFailed, "Images could not be removed: %v", err)
		k.complain(ctx, "Removing unused images", err)
	}
}

// ending says that a pod is being evicted, whose files are not gone yet.
func (k *Keeper) ending() bool {
	return slices.ContainsFunc(k.cfg.Pods.Pods(), func(p *corev1.Pod) bool {
		return p.Status.Reason == reasonEvicted && p.Status.Phase != corev1.PodFailed
	})
}

// candidate is a pod that could be ended.
type candidate struct {
	pod       *corev1.Pod
	used      int64 // bytes
	requested resource.Quantity
}

// choose returns the pod that is to end, if any is.
func (k *Keeper) choose() (candidate, bool) {
	ranked := rank(k.cfg.Pods.Pods(), func(p *corev1.Pod) int64 {
		use, _ := k.Pod(p.UID)
		return use.Total().Bytes
	})
	if len(ranked) == 0 {
		return candidate{}, false
	}
	return ranked[0], true
}

// rank orders the pods that may be ended for want of disk: those of the lowest
// priority first, among them the one that exceeds its request by most. Who keeps
// to his request stays, as do those whose end would free next to nothing.
func rank(pods []*corev1.Pod, used func(*corev1.Pod) int64) []candidate {
	var list []candidate
	for _, p := range pods {
		c := candidate{pod: p, used: used(p), requested: resourcehelper.PodRequests(p, resourcehelper.PodResourcesOptions{})[corev1.ResourceEphemeralStorage]}
		if goesOn(p) && c.excess() > 0 && c.used >= worthwhile && ptr.Deref(p.Spec.Priority, 0) < mostCritical {
			list = append(list, c)
		}
	}
	slices.SortStableFunc(list, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(ptr.Deref(a.pod.Spec.Priority, 0), ptr.Deref(b.pod.Spec.Priority, 0)), cmp.Compare(b.excess(), a.excess()))
	})
	return list
}

func (c candidate) excess() int64 { return c.used - c.requested.Value() }

// message says why, in the words of kubelets.
func (c candidate) message(what string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "The node was low on resource: ephemeral-storage. Threshold: %s. ", what)
	fmt.Fprintf(&b, "The pod was using %s, request is %s, has larger consumption of ephemeral-storage. ",
		resource.NewQuantity(c.used>>10<<10, resource.BinarySI), c.requested.String())
	return b.String()
}
