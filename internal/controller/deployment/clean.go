package deployment

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
)

// clean deletes the oldest revisions beyond the number that is kept. A set that
// has pods, or may still have, is no history.
func (r *rollout) clean(ctx context.Context) error {
	if r.Spec.RevisionHistoryLimit == nil {
		return nil
	}
	var kept []*appsv1.ReplicaSet
	for _, rs := range r.old {
		if rs.DeletionTimestamp == nil {
			kept = append(kept, rs)
		}
	}
	slices.SortStableFunc(kept, func(a, b *appsv1.ReplicaSet) int { return cmp.Compare(revisionOf(a), revisionOf(b)) })
	for _, rs := range kept[:max(len(kept)-int(*r.Spec.RevisionHistoryLimit), 0)] {
		if rs.Status.Replicas != 0 || wanted(rs) != 0 || rs.Generation > rs.Status.ObservedGeneration {
			continue
		}
		err := r.client.AppsV1().ReplicaSets(r.Namespace).Delete(ctx, rs.Name, metav1.DeleteOptions{
			Preconditions: &metav1.Preconditions{UID: ptr.To(rs.UID)},
		})
		if err != nil && !apierrors.IsNotFound(err) {
			return fmt.Errorf("deleting the old replica set %s: %w", rs.Name, err)
		}
	}
	return nil
}
