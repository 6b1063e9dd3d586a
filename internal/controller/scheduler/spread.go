package scheduler

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/component-helpers/scheduling/corev1/nodeaffinity"
	"k8s.io/utils/ptr"
)

// constraint is a topology spread constraint, read for one pod.
type constraint struct {
	*corev1.TopologySpreadConstraint
	selector labels.Selector
	// counts is how many pods the selector finds in each domain.
	counts map[string]int
	self   int // 1 if the pod itself is among those that are counted
}

// constraints reads those of a pod with the given effect, and counts.
func (v *view) constraints(seeker *resident, when corev1.UnsatisfiableConstraintAction) []*constraint {
	var list []*constraint
	for i := range seeker.pod.Spec.TopologySpreadConstraints {
		c := &seeker.pod.Spec.TopologySpreadConstraints[i]
		if c.WhenUnsatisfiable != when {
			continue
		}
		list = append(list, &constraint{TopologySpreadConstraint: c, selector: spreadSelector(c, seeker.pod), counts: map[string]int{}})
	}
	for _, c := range list {
		v.count(c, list, seeker)
	}
	return list
}

// spreadSelector is the constraint's, narrowed to pods that have the pod's own
// values of some labels (KEP-3243).
func spreadSelector(c *corev1.TopologySpreadConstraint, pod *corev1.Pod) labels.Selector {
	s, err := metav1.LabelSelectorAsSelector(c.LabelSelector)
	if err != nil {
		return labels.Nothing()
	}
	for _, key := range c.MatchLabelKeys {
		if value, ok := pod.Labels[key]; ok {
			own, _ := labels.SelectorFromSet(labels.Set{key: value}).Requirements()
			s = s.Add(own...)
		}
	}
	return s
}

// count counts the pods in all domains that the pod could go to: those of nodes
// that have every topology label and, unless the constraint says otherwise,
// match the pod's node affinity.
func (v *view) count(c *constraint, all []*constraint, seeker *resident) {
	if c.selector.Matches(labels.Set(seeker.pod.Labels)) {
		c.self = 1
	}
	affinity, tolerable := nodeaffinity.GetRequiredNodeAffinity(seeker.pod), tolerated(seeker)
	for _, s := range v.spots {
		if !hasKeys(s.node, all) {
			continue
		}
		if ptr.Deref(c.NodeAffinityPolicy, corev1.NodeInclusionPolicyHonor) == corev1.NodeInclusionPolicyHonor {
			if ok, err := affinity.Match(s.node); !ok || err != nil {
				continue
			}
		}
		if ptr.Deref(c.NodeTaintsPolicy, corev1.NodeInclusionPolicyIgnore) == corev1.NodeInclusionPolicyHonor && len(tolerable(s)) > 0 {
			continue
		}
		domain := s.node.Labels[c.TopologyKey]
		c.counts[domain] += matching(s, c.selector, seeker.pod.Namespace)
	}
}

func hasKeys(node *corev1.Node, all []*constraint) bool {
	for _, c := range all {
		if _, ok := node.Labels[c.TopologyKey]; !ok {
			return false
		}
	}
	return true
}

// matching counts the pods of a namespace on a node that are not going.
func matching(s *spot, selector labels.Selector, namespace string) (n int) {
	for _, r := range s.pods {
		if r.pod.Namespace == namespace && r.pod.DeletionTimestamp == nil && selector.Matches(labels.Set(r.pod.Labels)) {
			n++
		}
	}
	return n
}

// least is the number of pods in the emptiest domain.
func (c *constraint) least() int {
	if len(c.counts) < int(ptr.Deref(c.MinDomains, 1)) {
		return 0
	}
	least := -1
	for _, n := range c.counts {
		if least < 0 || n < least {
			least = n
		}
	}
	return max(least, 0)
}

// evenlySpread wants a node that keeps to all constraints that must be kept.
func (v *view) evenlySpread(seeker *resident) func(*spot) []string {
	all := v.constraints(seeker, corev1.DoNotSchedule)
	return func(s *spot) []string {
		for _, c := range all {
			domain, ok := s.node.Labels[c.TopologyKey]
			if !ok {
				return []string{"node(s) didn't match pod topology spread constraints (missing required label)"}
			}
			if c.counts[domain]+c.self-c.least() > int(c.MaxSkew) {
				return []string{"node(s) didn't match pod topology spread constraints"}
			}
		}
		return nil
	}
}
