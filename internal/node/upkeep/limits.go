package upkeep

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	resourcehelper "k8s.io/component-helpers/resource"
)

// enforce ends pods that take more of the disk than they may.
func (k *Keeper) enforce() {
	for _, p := range k.cfg.Pods.Pods() {
		use, known := k.Pod(p.UID)
		if !known || !goesOn(p) {
			continue
		}
		if over := overLimit(p, use); over != "" {
			k.evict(p, over, "ephemeralpodfs.limit")
		}
	}
}

// goesOn says that a pod has not ended and is not ending.
func goesOn(p *corev1.Pod) bool {
	return p.DeletionTimestamp == nil && p.Status.Phase != corev1.PodSucceeded && p.Status.Phase != corev1.PodFailed &&
		p.Status.Reason != reasonEvicted
}

// reasonEvicted is that of a pod which was ended for want of something.
const reasonEvicted = "Evicted"

func (k *Keeper) evict(p *corev1.Pod, message, signal string) {
	k.cfg.Log.Warn("A pod is evicted", "pod", p.Namespace+"/"+p.Name, "message", message)
	k.counts.evictions.WithLabelValues(signal).Inc()
	k.cfg.Pods.Evict(p.UID, message)
}

// overLimit says which limit of the disk a pod has exceeded, in the words of
// kubelets; empty if none.
func overLimit(p *corev1.Pod, use PodUse) string {
	for _, v := range p.Spec.Volumes {
		if v.EmptyDir == nil || v.EmptyDir.SizeLimit == nil {
			continue
		}
		used, measured := use.Volumes[v.Name]
		if limit := v.EmptyDir.SizeLimit; measured && limit.Sign() > 0 && used.Bytes > limit.Value() {
			return fmt.Sprintf("Usage of EmptyDir volume %q exceeds the limit %q. ", v.Name, limit.String())
		}
	}
	total := use.Total().Bytes
	if limit, given := resourcehelper.PodLimits(p, resourcehelper.PodResourcesOptions{})[corev1.ResourceEphemeralStorage]; given && total > limit.Value() {
		return fmt.Sprintf("Pod ephemeral local storage usage exceeds the total limit of containers %s. ", limit.String())
	}
	for _, list := range [][]corev1.Container{p.Spec.InitContainers, p.Spec.Containers} {
		for i := range list {
			limit, given := list[i].Resources.Limits[corev1.ResourceEphemeralStorage]
			one := use.Containers[list[i].Name]
			if given && one.Root.Bytes+one.Logs.Bytes > limit.Value() {
				return fmt.Sprintf("Container %s exceeded its local ephemeral storage limit %q. ", list[i].Name, limit.String())
			}
		}
	}
	return ""
}
