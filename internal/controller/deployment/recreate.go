package deployment

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
)

// recreate ends all old pods before it makes new ones.
func (r *rollout) recreate(ctx context.Context) error {
	shrunk := false
	for _, rs := range active(r.old) {
		if _, err := r.scaleTo(ctx, rs, 0); err != nil {
			return r.withStatus(ctx, err)
		}
		shrunk = true
	}
	if shrunk {
		return r.withStatus(ctx, nil)
	}
	running, err := r.oldPods()
	if err != nil {
		return err
	}
	if running {
		return r.withStatus(ctx, nil)
	}
	if err := r.ensureCurrent(ctx); err != nil {
		return err
	}
	if scaled, err := r.scaleTo(ctx, r.current, r.replicas()); scaled || err != nil {
		return r.withStatus(ctx, err)
	}
	return r.finish(ctx)
}

// oldPods reports that pods of earlier templates have not ended.
func (r *rollout) oldPods() (bool, error) {
	old := map[types.UID]bool{}
	for _, rs := range r.old {
		old[rs.UID] = true
	}
	pods, err := r.pods.Pods(r.Namespace).List(labels.Everything())
	if err != nil {
		return false, fmt.Errorf("listing pods: %w", err)
	}
	for _, pod := range pods {
		ended := pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed
		if ref := metav1.GetControllerOf(pod); !ended && ref != nil && old[ref.UID] {
			return true, nil
		}
	}
	return false, nil
}
