package podspec

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/component-helpers/resource"

	"github.com/causeway-access/causeway/internal/podrun"
)

// leastShares is the weight of what asks for no processor time: the least
// that Linux knows. perCPU is that of one processor.
const (
	leastShares = 2
	perCPU      = 1024
)

// podResources limits a pod where all of its containers, or it itself, say a
// limit: one without any may use what there is.
func podResources(pod *corev1.Pod, node Node) podrun.Resources {
	limits := resource.PodLimits(pod, resource.PodResourcesOptions{})
	for _, name := range []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory} {
		if !allLimit(pod, name) {
			delete(limits, name)
		}
	}
	r := of(resource.PodRequests(pod, resource.PodResourcesOptions{}), limits)
	r.Processes = node.MaxProcesses
	return r
}

// allLimit says whether a sum of limits bounds a pod.
func allLimit(pod *corev1.Pod, name corev1.ResourceName) bool {
	if r := pod.Spec.Resources; r != nil {
		if _, ok := r.Limits[name]; ok {
			return true
		}
	}
	for _, list := range [][]corev1.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for i := range list {
			if q, ok := list[i].Resources.Limits[name]; !ok || q.IsZero() {
				return false
			}
		}
	}
	return true
}

func containerResources(c *corev1.Container) podrun.Resources {
	return of(c.Resources.Requests, c.Resources.Limits)
}

// of translates lists of the API. Who asks for nothing but has a limit asks
// for that.
func of(requests, limits corev1.ResourceList) podrun.Resources {
	asked := requests.Cpu()
	if _, ok := requests[corev1.ResourceCPU]; !ok {
		asked = limits.Cpu()
	}
	return podrun.Resources{
		MilliCPU:  limits.Cpu().MilliValue(),
		CPUShares: max(leastShares, asked.MilliValue()*perCPU/1000),
		Memory:    limits.Memory().Value(),
	}
}
