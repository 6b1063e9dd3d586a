package replication

import (
	"context"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/causeway-access/causeway/internal/controller/ownpods"
)

// atOnce bounds the pods made or deleted before an owner is looked at again.
const atOnce = 500

// scale makes the pods that are missing, or deletes those that are too many.
func (r *replicator) scale(ctx context.Context, owner *Owner, pods []*corev1.Pod) error {
	switch missing := owner.Replicas - len(pods); {
	case missing > 0:
		return ownpods.InBatches(make([]struct{}, min(missing, atOnce)), func(struct{}) error {
			return r.maker.Create(ctx, owner.Object, newPod(owner))
		})
	case missing < 0:
		victims := ownpods.ByWorth(pods)[:min(-missing, atOnce)]
		return ownpods.InParallel(victims, func(pod *corev1.Pod) error { return r.maker.Delete(ctx, owner.Object, pod) })
	}
	return nil
}

func newPod(owner *Owner) *corev1.Pod {
	template := owner.Template.DeepCopy()
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			GenerateName: owner.Object.GetName() + "-",
			Labels:       template.Labels, Annotations: template.Annotations, Finalizers: slices.Clone(template.Finalizers),
		},
		Spec: template.Spec,
	}
}
