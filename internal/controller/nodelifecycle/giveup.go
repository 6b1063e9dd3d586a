package nodelifecycle

import (
	"context"
	"encoding/json"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// giveUp says that nothing is known of a node any more, and returns it as
// written.
func (m *monitor) giveUp(ctx context.Context, node *corev1.Node) (*corev1.Node, error) {
	changed := node.DeepCopy()
	dirty := false
	for _, kind := range []corev1.NodeConditionType{corev1.NodeReady, corev1.NodeMemoryPressure, corev1.NodeDiskPressure, corev1.NodePIDPressure} {
		dirty = forget(changed, kind) || dirty
	}
	if !dirty {
		return node, nil
	}
	written, err := m.client.CoreV1().Nodes().UpdateStatus(ctx, changed, metav1.UpdateOptions{})
	if err != nil {
		return nil, fmt.Errorf("telling that node %s does not answer: %w", node.Name, err)
	}
	if c := condition(node, corev1.NodeReady); c != nil && c.Status == corev1.ConditionTrue {
		m.events.Eventf(node, corev1.EventTypeNormal, "NodeNotReady", "Node %s status is now: %s", node.Name, "NodeNotReady")
	}
	return written, nil
}

// forget makes a condition unknown. It reports false if it was.
func forget(node *corev1.Node, kind corev1.NodeConditionType) bool {
	now := metav1.Now()
	c := condition(node, kind)
	if c == nil {
		node.Status.Conditions = append(node.Status.Conditions, corev1.NodeCondition{
			Type: kind, Status: corev1.ConditionUnknown, Reason: "NodeStatusNeverUpdated", Message: "Kubelet never posted node status.",
			LastHeartbeatTime: node.CreationTimestamp, LastTransitionTime: now,
		})
		return true
	}
	if c.Status == corev1.ConditionUnknown {
		return false
	}
	c.Status, c.Reason, c.Message, c.LastTransitionTime = corev1.ConditionUnknown, "NodeStatusUnknown", "Kubelet stopped posting node status.", now
	return true
}

// unready takes the pods of a node that is not ready out of service: their
// endpoints lead nowhere.
func (m *monitor) unready(ctx context.Context, node *corev1.Node) error {
	if c := condition(node, corev1.NodeReady); c == nil || c.Status == corev1.ConditionTrue {
		return nil
	}
	pods, err := podsOn(m.pods, node.Name)
	if err != nil {
		return err
	}
	for _, pod := range pods {
		for _, c := range pod.Status.Conditions {
			if c.Type != corev1.PodReady || c.Status != corev1.ConditionTrue {
				continue
			}
			if err := m.markUnready(ctx, pod); err != nil {
				return err
			}
		}
	}
	return nil
}

func (m *monitor) markUnready(ctx context.Context, pod *corev1.Pod) error {
	patch, err := json.Marshal(map[string]any{
		"metadata": map[string]any{"uid": pod.UID},
		"status": map[string]any{"conditions": []corev1.PodCondition{{
			Type: corev1.PodReady, Status: corev1.ConditionFalse, LastTransitionTime: metav1.Now(),
		}}},
	})
	if err != nil {
		return err
	}
	_, err = m.client.CoreV1().Pods(pod.Namespace).Patch(ctx, pod.Name, types.StrategicMergePatchType, patch, metav1.PatchOptions{}, "status")
	if apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("taking pod %s/%s of a node that is not ready out of service: %w", pod.Namespace, pod.Name, err)
	}
	m.events.Event(pod, corev1.EventTypeWarning, "NodeNotReady", "Node is not ready")
	return nil
}
