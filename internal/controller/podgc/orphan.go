package podgc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// orphaned deletes the pods of nodes that have been missing for a while.
func (c *collector) orphaned(ctx context.Context, pods []*corev1.Pod) error {
	gone, err := c.goneNodes(ctx, pods, time.Now())
	errs := []error{err}
	for _, pod := range pods {
		if gone[pod.Spec.NodeName] {
			errs = append(errs, c.bury(ctx, pod))
		}
	}
	return errors.Join(errs...)
}

// goneNodes is the nodes that pods name, that have been missing for the time of
// the quarantine, and that the API server itself does not know.
func (c *collector) goneNodes(ctx context.Context, pods []*corev1.Pod, now time.Time) (map[string]bool, error) {
	named := map[string]bool{}
	for _, pod := range pods {
		if name := pod.Spec.NodeName; name != "" && !named[name] {
			if _, err := c.nodes.Get(name); apierrors.IsNotFound(err) {
				named[name] = true
			}
		}
	}
	for name := range c.missing {
		if !named[name] {
			delete(c.missing, name)
		}
	}
	gone := map[string]bool{}
	var errs []error
	for name := range named {
		since, known := c.missing[name]
		if !known {
			c.missing[name] = now
			continue
		}
		if now.Sub(since) < quarantine {
			continue
		}
		switch _, err := c.client.CoreV1().Nodes().Get(ctx, name, metav1.GetOptions{}); {
		case apierrors.IsNotFound(err):
			gone[name] = true
		case err != nil:
			errs = append(errs, fmt.Errorf("asking for node %s: %w", name, err))
		}
	}
	return gone, errors.Join(errs...)
}

// bury says that a pod has failed, for those who watch it, and deletes it.
func (c *collector) bury(ctx context.Context, pod *corev1.Pod) error {
	if !isEnded(pod) {
		patch, err := json.Marshal(map[string]any{
			"metadata": map[string]any{"uid": pod.UID},
			"status": map[string]any{"phase": corev1.PodFailed, "conditions": []corev1.PodCondition{{
				Type: corev1.DisruptionTarget, Status: corev1.ConditionTrue, Reason: "DeletionByPodGC",
				Message: "PodGC: node no longer exists", LastTransitionTime: metav1.Now(),
			}}},
		})
		if err != nil {
			return err
		}
		_, err = c.client.CoreV1().Pods(pod.Namespace).Patch(ctx, pod.Name, types.StrategicMergePatchType, patch, metav1.PatchOptions{}, "status")
		if apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("telling that pod %s/%s has lost its node: %w", pod.Namespace, pod.Name, err)
		}
	}
	return c.delete(ctx, pod)
}
