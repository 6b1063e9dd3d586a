package scheduler

import (
	"math"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/component-helpers/scheduling/corev1/nodeaffinity"
)

// score is one opinion on nodes: more is better. The opinions are scaled to 0
// to 1 over the nodes in question before they are weighed, as in Kubernetes.
type score struct {
	weight float64
	of     func(*spot) float64
}

// best is the node that suits a pod best; of those alike the one with the
// fewest pods, then the first by name.
func (v *view) best(seeker *resident, fitting []*spot, services []labels.Selector) *spot {
	totals := make([]float64, len(fitting))
	for _, s := range []score{
		{3, untainted(seeker)},
		{2, preferred(seeker)},
		{2, v.spreads(seeker)},
		{2, apartFromKin(seeker, services)},
		{1, roomLeft(seeker)},
	} {
		weigh(totals, fitting, s)
	}
	best := 0
	for i := range fitting {
		better := totals[i] > totals[best]+tolerance
		alike := math.Abs(totals[i]-totals[best]) <= tolerance
		if better || (alike && len(fitting[i].pods) < len(fitting[best].pods)) {
			best = i
		}
	}
	return fitting[best]
}

// tolerance is what sums of fractions may differ by rounding.
const tolerance = 1e-9

func weigh(totals []float64, fitting []*spot, s score) {
	values := make([]float64, len(fitting))
	lowest, highest := math.Inf(1), math.Inf(-1)
	for i, spot := range fitting {
		values[i] = s.of(spot)
		lowest, highest = min(lowest, values[i]), max(highest, values[i])
	}
	if highest == lowest {
		return
	}
	for i, value := range values {
		totals[i] += s.weight * (value - lowest) / (highest - lowest)
	}
}

// untainted prefers nodes with few taints that would rather not have the pod.
func untainted(seeker *resident) func(*spot) float64 {
	return func(s *spot) (value float64) {
		for i := range s.node.Spec.Taints {
			taint := &s.node.Spec.Taints[i]
			if taint.Effect == corev1.TaintEffectPreferNoSchedule && !tolerates(seeker.pod, taint) {
				value--
			}
		}
		return value
	}
}

// preferred adds up the weights of the preferred node affinities that match.
func preferred(seeker *resident) func(*spot) float64 {
	nothing := func(*spot) float64 { return 0 }
	a := seeker.pod.Spec.Affinity
	if a == nil || a.NodeAffinity == nil {
		return nothing
	}
	terms, err := nodeaffinity.NewPreferredSchedulingTerms(a.NodeAffinity.PreferredDuringSchedulingIgnoredDuringExecution)
	if err != nil {
		return nothing
	}
	return func(s *spot) float64 { return float64(terms.Score(s.node)) }
}

// spreads prefers domains with few pods by the constraints that may be broken.
func (v *view) spreads(seeker *resident) func(*spot) float64 {
	all := v.constraints(seeker, corev1.ScheduleAnyway)
	return func(s *spot) (value float64) {
		for _, c := range all {
			if at, ok := s.node.Labels[c.TopologyKey]; ok {
				value -= float64(c.counts[at]) / float64(max(c.MaxSkew, 1))
			} else {
				value -= float64(len(v.spots)) // outside all domains
			}
		}
		return value
	}
}

// apartFromKin prefers nodes with few pods of the same owner, or behind the
// same service: what fails with a node should not be all of them.
func apartFromKin(seeker *resident, services []labels.Selector) func(*spot) float64 {
	owner := metav1.GetControllerOf(seeker.pod)
	return func(s *spot) (value float64) {
		for _, r := range s.pods {
			if r.pod.Namespace == seeker.pod.Namespace && r.pod.DeletionTimestamp == nil && isKin(r.pod, owner, services) {
				value--
			}
		}
		return value
	}
}

func isKin(pod *corev1.Pod, owner *metav1.OwnerReference, services []labels.Selector) bool {
	if ref := metav1.GetControllerOf(pod); ref != nil && owner != nil && ref.UID == owner.UID {
		return true
	}
	for _, selector := range services {
		if selector.Matches(labels.Set(pod.Labels)) {
			return true
		}
	}
	return false
}

// roomLeft prefers nodes of whose CPU and memory most would be left.
func roomLeft(seeker *resident) func(*spot) float64 {
	return func(s *spot) (value float64) {
		for _, name := range []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory} {
			all := s.node.Status.Allocatable[name]
			used, more := s.usual[name], seeker.usual[name]
			if all.IsZero() {
				continue
			}
			left := 1 - (used.AsApproximateFloat64()+more.AsApproximateFloat64())/all.AsApproximateFloat64()
			value += max(left, 0)
		}
		return value
	}
}
