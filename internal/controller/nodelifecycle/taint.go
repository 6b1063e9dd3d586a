package nodelifecycle

import (
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
)

// ours are the taints that this controller keeps; others are left alone.
var ours = []string{
	corev1.TaintNodeNotReady, corev1.TaintNodeUnreachable, corev1.TaintNodeUnschedulable, corev1.TaintNodeMemoryPressure,
	corev1.TaintNodeDiskPressure, corev1.TaintNodePIDPressure, corev1.TaintNodeNetworkUnavailable,
}

// pressures are the conditions for which pods should go elsewhere.
var pressures = []struct {
	condition corev1.NodeConditionType
	key       string
}{
	{corev1.NodeMemoryPressure, corev1.TaintNodeMemoryPressure},
	{corev1.NodeDiskPressure, corev1.TaintNodeDiskPressure},
	{corev1.NodePIDPressure, corev1.TaintNodePIDPressure},
	{corev1.NodeNetworkUnavailable, corev1.TaintNodeNetworkUnavailable},
}

// taintsFor is what a node is to be tainted with for its conditions. Pods are
// driven away only if there are other nodes.
func taintsFor(node *corev1.Node, others bool) []corev1.Taint {
	var wanted []corev1.Taint
	add := func(key string, effect corev1.TaintEffect) {
		wanted = append(wanted, corev1.Taint{Key: key, Effect: effect})
	}
	ready := condition(node, corev1.NodeReady)
	switch {
	case ready == nil:
		add(corev1.TaintNodeNotReady, corev1.TaintEffectNoSchedule)
	case ready.Status != corev1.ConditionTrue:
		key := corev1.TaintNodeNotReady
		if ready.Status == corev1.ConditionUnknown {
			key = corev1.TaintNodeUnreachable
		}
		add(key, corev1.TaintEffectNoSchedule)
		if others {
			add(key, corev1.TaintEffectNoExecute)
		}
	}
	for _, p := range pressures {
		if c := condition(node, p.condition); c != nil && c.Status == corev1.ConditionTrue {
			add(p.key, corev1.TaintEffectNoSchedule)
		}
	}
	if node.Spec.Unschedulable {
		add(corev1.TaintNodeUnschedulable, corev1.TaintEffectNoSchedule)
	}
	return wanted
}

// taint brings the taints of a node to what its conditions are.
func (m *monitor) taint(ctx context.Context, node *corev1.Node, others bool) error {
	wanted := taintsFor(node, others)
	var next []corev1.Taint
	for _, t := range node.Spec.Taints {
		if !slices.Contains(ours, t.Key) || slices.ContainsFunc(wanted, func(w corev1.Taint) bool { return w.MatchTaint(&t) }) {
			next = append(next, t)
		}
	}
	changed := len(next) != len(node.Spec.Taints)
	for _, w := range wanted {
		if !slices.ContainsFunc(next, func(t corev1.Taint) bool { return t.MatchTaint(&w) }) {
			w.TimeAdded = ptr.To(metav1.Now()) // from which the seconds of tolerations count
			next = append(next, w)
			changed = true
		}
	}
	if !changed {
		return nil
	}
	tainted := node.DeepCopy()
	tainted.Spec.Taints = next
	if _, err := m.client.CoreV1().Nodes().Update(ctx, tainted, metav1.UpdateOptions{}); err != nil {
		return fmt.Errorf("tainting node %s: %w", node.Name, err)
	}
	return nil
}
