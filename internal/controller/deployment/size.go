package deployment

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
)

// size notes on a set for which size of the deployment it was made, by which a
// later change of that size is noticed.
func (r *rollout) size(rs *appsv1.ReplicaSet) {
	metav1.SetMetaDataAnnotation(&rs.ObjectMeta, desiredAnnotation, strconv.Itoa(int(r.replicas())))
	metav1.SetMetaDataAnnotation(&rs.ObjectMeta, maxAnnotation, strconv.Itoa(int(r.most())))
}

// noted reads a size from an annotation; false if there is none.
func noted(rs *appsv1.ReplicaSet, annotation string) (int32, bool) {
	n, err := strconv.ParseInt(rs.Annotations[annotation], 10, 32)
	return int32(n), err == nil
}

// scaleTo gives a set n replicas. It reports false if it had them.
func (r *rollout) scaleTo(ctx context.Context, rs *appsv1.ReplicaSet, n int32) (bool, error) {
	has := wanted(rs)
	changed := rs.DeepCopy()
	changed.Spec.Replicas = ptr.To(n)
	r.size(changed)
	if has == n && changed.Annotations[desiredAnnotation] == rs.Annotations[desiredAnnotation] && changed.Annotations[maxAnnotation] == rs.Annotations[maxAnnotation] {
		return false, nil
	}
	written, err := r.client.AppsV1().ReplicaSets(r.Namespace).Update(ctx, changed, metav1.UpdateOptions{})
	if err != nil {
		return false, fmt.Errorf("scaling replica set %s to %d: %w", rs.Name, n, err)
	}
	r.replace(written)
	if has == n {
		return false, nil
	}
	direction := "up"
	if n < has {
		direction = "down"
	}
	r.events.Eventf(r.Deployment, corev1.EventTypeNormal, "ScalingReplicaSet", "Scaled %s replica set %s from %d to %d", direction, rs.Name, has, n)
	return true, nil
}

// resized reports that the deployment's size was changed since its sets got theirs.
func (r *rollout) resized() bool {
	for _, rs := range active(r.all()) {
		if n, ok := noted(rs, desiredAnnotation); ok && n != r.replicas() {
			return true
		}
	}
	return false
}

// resize follows a change of the deployment's size without going on with its
// update: it may be paused.
func (r *rollout) resize(ctx context.Context) error {
	if r.current != nil {
		if err := r.ensureCurrent(ctx); err != nil {
			return err
		}
	}
	if err := r.spread(ctx); err != nil {
		return r.withStatus(ctx, err)
	}
	return r.finish(ctx)
}

// spread gives the deployment's size to its sets: all of it to the only one
// with pods, or in the middle of an update to each in proportion.
func (r *rollout) spread(ctx context.Context) error {
	sets := active(r.all())
	if len(sets) == 0 && len(r.all()) > 0 { // the current one, else the youngest
		sets = r.all()[len(r.all())-1:]
	}
	switch {
	case len(sets) == 0:
		return nil
	case len(sets) == 1:
		_, err := r.scaleTo(ctx, sets[0], r.replicas())
		return err
	case r.current != nil && wanted(r.current) == r.replicas() && available(r.current) == r.replicas():
		for _, rs := range active(r.old) {
			if _, err := r.scaleTo(ctx, rs, 0); err != nil {
				return err
			}
		}
		return nil
	case r.Spec.Strategy.Type != appsv1.RollingUpdateDeploymentStrategyType:
		return nil
	}
	return r.proportion(ctx, sets)
}

// proportion adds to, or takes from, each set its part, the greatest first;
// what rounding leaves goes to the greatest.
func (r *rollout) proportion(ctx context.Context, sets []*appsv1.ReplicaSet) error {
	target := int32(0)
	if r.replicas() > 0 {
		target = r.most()
	}
	missing := target - sum(sets, wanted)
	slices.SortStableFunc(sets, func(a, b *appsv1.ReplicaSet) int {
		if missing > 0 { // of sets alike the youngest grows
			return cmp.Or(cmp.Compare(wanted(b), wanted(a)), byAge(b, a))
		}
		return cmp.Or(cmp.Compare(wanted(b), wanted(a)), byAge(a, b))
	})
	sizes, left := make([]int32, len(sets)), missing
	for i, rs := range sets {
		part := r.part(rs)
		if missing > 0 {
			part = max(min(part, left), 0)
		} else {
			part = min(max(part, left), 0)
		}
		sizes[i] = wanted(rs) + part
		left -= part
	}
	sizes[0] = max(sizes[0]+left, 0)
	for i, rs := range sets {
		if _, err := r.scaleTo(ctx, rs, sizes[i]); err != nil {
			return err
		}
	}
	return nil
}

// part is by how much a set's size changes with the deployment's.
func (r *rollout) part(rs *appsv1.ReplicaSet) int32 {
	if r.replicas() == 0 {
		return -wanted(rs)
	}
	most, ok := noted(rs, maxAnnotation)
	if !ok || most == 0 {
		most = max(r.Status.Replicas, 1)
	}
	scaled := float64(wanted(rs)) * float64(r.most()) / float64(most)
	return int32(scaled+0.5) - wanted(rs)
}
