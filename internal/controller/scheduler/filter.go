package scheduler

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	schedulinghelper "k8s.io/component-helpers/scheduling/corev1"
	"k8s.io/component-helpers/scheduling/corev1/nodeaffinity"
	"k8s.io/klog/v2"

	"github.com/causeway-access/causeway/internal/svcproxy/hostport"
)

// A filter says what is in the way of a pod on a node; nothing if it fits.

// schedulable wants a node that is not cordoned off.
func schedulable(seeker *resident) func(*spot) []string {
	cordon := corev1.Taint{Key: corev1.TaintNodeUnschedulable, Effect: corev1.TaintEffectNoSchedule}
	return func(s *spot) []string {
		if s.node.Spec.Unschedulable && !tolerates(seeker.pod, &cordon) {
			return []string{"node(s) were unschedulable"}
		}
		return nil
	}
}

func tolerates(pod *corev1.Pod, taint *corev1.Taint) bool {
	return schedulinghelper.TolerationsTolerateTaint(klog.Background(), pod.Spec.Tolerations, taint, false)
}

// tolerated wants a node all of whose taints the pod tolerates.
func tolerated(seeker *resident) func(*spot) []string {
	binding := func(t *corev1.Taint) bool {
		return t.Effect == corev1.TaintEffectNoSchedule || t.Effect == corev1.TaintEffectNoExecute
	}
	return func(s *spot) []string {
		taint, found := schedulinghelper.FindMatchingUntoleratedTaint(klog.Background(), s.node.Spec.Taints, seeker.pod.Spec.Tolerations, binding, false)
		if found {
			return []string{fmt.Sprintf("node(s) had untolerated taint {%s: %s}", taint.Key, taint.Value)}
		}
		return nil
	}
}

// selected wants a node that the pod's node selector and required affinity match.
func selected(seeker *resident) func(*spot) []string {
	affinity := nodeaffinity.GetRequiredNodeAffinity(seeker.pod)
	return func(s *spot) []string {
		// One that cannot be read matches nothing.
		if ok, err := affinity.Match(s.node); !ok || err != nil {
			return []string{"node(s) didn't match Pod's node affinity/selector"}
		}
		return nil
	}
}

// freePorts wants a node on which nobody has the pod's host ports.
func freePorts(seeker *resident) func(*spot) []string {
	wanted := hostport.Of(seeker.pod)
	return func(s *spot) []string {
		if len(wanted) == 0 {
			return nil
		}
		for _, r := range s.pods {
			for _, taken := range hostport.Of(r.pod) {
				if slices.ContainsFunc(wanted, taken.Clashes) {
					return []string{"node(s) didn't have free ports for the requested pod ports"}
				}
			}
		}
		return nil
	}
}

// roomy wants a node with all that the pod requests, and says what is short.
func roomy(seeker *resident) func(*spot) []string {
	return func(s *spot) []string {
		var short []string
		if most, ok := s.node.Status.Allocatable[corev1.ResourcePods]; ok && int64(len(s.pods)) >= most.Value() {
			short = append(short, "Too many pods")
		}
		for name, wanted := range seeker.requests {
			left := s.node.Status.Allocatable[name].DeepCopy()
			left.Sub(s.requests[name])
			if !wanted.IsZero() && wanted.Cmp(left) > 0 {
				short = append(short, "Insufficient "+string(name))
			}
		}
		return short
	}
}
