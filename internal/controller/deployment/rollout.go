package deployment

import (
	"cmp"
	"context"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
)

// rollout is one deployment with its replica sets, while it is looked at.
type rollout struct {
	*deployer
	*appsv1.Deployment // a copy of the cached one
	// current is the replica set of the deployment's template; nil if there is
	// none yet.
	current *appsv1.ReplicaSet
	// old are the others, the eldest first.
	old []*appsv1.ReplicaSet
}

func newRollout(d *deployer, deployment *appsv1.Deployment, sets []*appsv1.ReplicaSet) *rollout {
	r := &rollout{deployer: d, Deployment: deployment}
	slices.SortFunc(sets, byAge)
	for _, rs := range sets {
		// Several can have the template, if a user made them: the eldest counts.
		if r.current == nil && sameTemplate(&rs.Spec.Template, &deployment.Spec.Template) {
			r.current = rs
			continue
		}
		r.old = append(r.old, rs)
	}
	return r
}

func byAge(a, b *appsv1.ReplicaSet) int {
	return cmp.Or(a.CreationTimestamp.Compare(b.CreationTimestamp.Time), cmp.Compare(a.Name, b.Name))
}

// sameTemplate compares all but the label that tells templates apart.
func sameTemplate(a, b *corev1.PodTemplateSpec) bool {
	a, b = a.DeepCopy(), b.DeepCopy()
	delete(a.Labels, appsv1.DefaultDeploymentUniqueLabelKey)
	delete(b.Labels, appsv1.DefaultDeploymentUniqueLabelKey)
	return apiequality.Semantic.DeepEqual(a, b)
}

// all is every replica set.
func (r *rollout) all() []*appsv1.ReplicaSet {
	if r.current == nil {
		return r.old
	}
	return append(slices.Clip(r.old), r.current)
}

// replace puts the written form of a replica set in the place of the old form.
func (r *rollout) replace(written *appsv1.ReplicaSet) {
	if r.current == nil || r.current.UID == written.UID {
		r.current = written
		return
	}
	for i := range r.old {
		if r.old[i].UID == written.UID {
			r.old[i] = written
		}
	}
}

// step does what is due now. Each write brings the deployment back for the next.
func (r *rollout) step(ctx context.Context) error {
	if r.DeletionTimestamp != nil {
		return r.writeStatus(ctx, r.status())
	}
	if written, err := r.tellPause(ctx); written || err != nil {
		return err
	}
	switch {
	case r.Spec.Paused, r.resized():
		return r.resize(ctx)
	case r.Spec.Strategy.Type == appsv1.RecreateDeploymentStrategyType:
		return r.recreate(ctx)
	}
	return r.roll(ctx)
}

// sum adds up a number of every set.
func sum(sets []*appsv1.ReplicaSet, of func(*appsv1.ReplicaSet) int32) (n int32) {
	for _, rs := range sets {
		n += of(rs)
	}
	return n
}

// wanted is how many pods a set is to have.
func wanted(rs *appsv1.ReplicaSet) int32 {
	if rs == nil || rs.Spec.Replicas == nil {
		return 0
	}
	return *rs.Spec.Replicas
}

func available(rs *appsv1.ReplicaSet) int32 { return rs.Status.AvailableReplicas }

// active is the sets that are to have pods.
func active(sets []*appsv1.ReplicaSet) []*appsv1.ReplicaSet {
	var list []*appsv1.ReplicaSet
	for _, rs := range sets {
		if wanted(rs) > 0 {
			list = append(list, rs)
		}
	}
	return list
}
