package scheduler

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// misfits counts nodes by what is in the way of a pod.
type misfits struct {
	nodes   int
	reasons map[string]int
}

func (m *misfits) add(reasons []string) {
	if m.reasons == nil {
		m.reasons = map[string]int{}
	}
	for _, reason := range reasons {
		m.reasons[reason]++
	}
}

// String says it in the words that users of Kubernetes know.
func (m *misfits) String() string {
	if m.nodes == 0 {
		return "no nodes available to schedule pods"
	}
	var parts []string
	for reason, n := range m.reasons {
		parts = append(parts, fmt.Sprintf("%d %s", n, reason))
	}
	slices.Sort(parts)
	return fmt.Sprintf("0/%d nodes are available: %s.", m.nodes, strings.Join(parts, ", "))
}

// tellUnschedulable writes why a pod waits to its status, unless it is there,
// and as an event.
func (s *scheduler) tellUnschedulable(ctx context.Context, pod *corev1.Pod, message string) error {
	s.events.Event(pod, corev1.EventTypeWarning, "FailedScheduling", message)
	next := corev1.PodCondition{
		Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: corev1.PodReasonUnschedulable,
		Message: message, LastTransitionTime: metav1.Now(),
	}
	for _, c := range pod.Status.Conditions {
		if c.Type != corev1.PodScheduled || c.Status != next.Status {
			continue
		}
		if c.Reason == next.Reason && c.Message == next.Message {
			return nil
		}
		next.LastTransitionTime = c.LastTransitionTime
	}
	patch, err := json.Marshal(map[string]any{
		"metadata": map[string]any{"uid": pod.UID},
		"status":   map[string]any{"conditions": []corev1.PodCondition{next}},
	})
	if err != nil {
		return err
	}
	_, err = s.client.CoreV1().Pods(pod.Namespace).Patch(ctx, pod.Name, types.StrategicMergePatchType, patch, metav1.PatchOptions{}, "status")
	if err != nil {
		return fmt.Errorf("telling that pod %s/%s cannot be scheduled: %w", pod.Namespace, pod.Name, err)
	}
	return nil
}
