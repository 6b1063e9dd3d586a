package deployment

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"maps"
	"strconv"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/rand"
	"k8s.io/utils/ptr"
)

// Annotations that Kubernetes keeps on the replica sets of a deployment, and
// kubectl reads.
const (
	revisionAnnotation = "deployment.kubernetes.io/revision"
	historyAnnotation  = "deployment.kubernetes.io/revision-history"
	desiredAnnotation  = "deployment.kubernetes.io/desired-replicas"
	maxAnnotation      = "deployment.kubernetes.io/max-replicas"
)

// own tells the annotations that a deployment does not share with its sets.
func own(annotation string) bool {
	switch annotation {
	case corev1.LastAppliedConfigAnnotation, revisionAnnotation, historyAnnotation, desiredAnnotation, maxAnnotation:
		return true
	}
	return false
}

// ensureCurrent makes the replica set of the deployment's template, if there is
// none, and gives it the newest revision, if it is an older one come back.
func (r *rollout) ensureCurrent(ctx context.Context) error {
	if r.current == nil {
		return r.create(ctx)
	}
	changed := r.current.DeepCopy()
	r.describe(changed)
	changed.Spec.MinReadySeconds = r.Spec.MinReadySeconds
	if !maps.Equal(changed.Annotations, r.current.Annotations) || changed.Spec.MinReadySeconds != r.current.Spec.MinReadySeconds {
		written, err := r.client.AppsV1().ReplicaSets(r.Namespace).Update(ctx, changed, metav1.UpdateOptions{})
		if err != nil {
			return fmt.Errorf("describing replica set %s: %w", changed.Name, err)
		}
		r.replace(written)
	}
	return r.tellRevision(ctx, "FoundNewReplicaSet", fmt.Sprintf("Found new replica set %q", r.current.Name))
}

// describe gives a set the annotations of the deployment and its revision.
func (r *rollout) describe(rs *appsv1.ReplicaSet) {
	if rs.Annotations == nil {
		rs.Annotations = map[string]string{}
	}
	for key, value := range r.Annotations {
		if !own(key) {
			rs.Annotations[key] = value
		}
	}
	next, has := int64(1), revisionOf(rs)
	for _, old := range r.old {
		next = max(next, revisionOf(old)+1)
	}
	if has >= next {
		return
	}
	if has > 0 { // kept so that a user finds what was revision 2 as revision 4
		history := append(strings.Split(rs.Annotations[historyAnnotation], ","), strconv.FormatInt(has, 10))
		rs.Annotations[historyAnnotation] = strings.TrimPrefix(strings.Join(history, ","), ",")
	}
	rs.Annotations[revisionAnnotation] = strconv.FormatInt(next, 10)
}

func revisionOf(rs *appsv1.ReplicaSet) int64 {
	n, err := strconv.ParseInt(rs.Annotations[revisionAnnotation], 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// create makes the replica set of the template. Its name has a hash of the
// template, so that it cannot be made twice.
func (r *rollout) create(ctx context.Context) error {
	hash, err := templateHash(&r.Spec.Template, r.Status.CollisionCount)
	if err != nil {
		return err
	}
	template := *r.Spec.Template.DeepCopy()
	metav1.SetMetaDataLabel(&template.ObjectMeta, appsv1.DefaultDeploymentUniqueLabelKey, hash)
	rs := &appsv1.ReplicaSet{
		ObjectMeta: metav1.ObjectMeta{
			Name: r.Name + "-" + hash, Namespace: r.Namespace, Labels: maps.Clone(template.Labels),
			OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(r.Deployment, deploymentKind)},
		},
		Spec: appsv1.ReplicaSetSpec{
			Replicas: ptr.To(r.nextSize()), MinReadySeconds: r.Spec.MinReadySeconds, Template: template,
			Selector: metav1.AddLabelToSelector(r.Spec.Selector.DeepCopy(), appsv1.DefaultDeploymentUniqueLabelKey, hash),
		},
	}
	r.describe(rs)
	r.size(rs)
	made, err := r.client.AppsV1().ReplicaSets(r.Namespace).Create(ctx, rs, metav1.CreateOptions{})
	switch {
	case apierrors.IsAlreadyExists(err):
		return r.collide(ctx, rs, err)
	case apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause):
		return err
	case err != nil:
		return r.tellFailure(ctx, rs, err)
	}
	r.current = made
	if n := wanted(made); n > 0 {
		r.events.Eventf(r.Deployment, corev1.EventTypeNormal, "ScalingReplicaSet", "Scaled up replica set %s from 0 to %d", made.Name, n)
	}
	return r.tellRevision(ctx, "NewReplicaSetCreated", fmt.Sprintf("Created new replica set %q", made.Name))
}

// collide looks at who has the name of a new set. It is ours, and the cache has
// not seen it; or another template has the same hash, and the next is to have a
// salt.
func (r *rollout) collide(ctx context.Context, rs *appsv1.ReplicaSet, exists error) error {
	other, err := r.client.AppsV1().ReplicaSets(r.Namespace).Get(ctx, rs.Name, metav1.GetOptions{})
	if err != nil {
		return fmt.Errorf("reading replica set %s, which has the name of a new one: %w", rs.Name, err)
	}
	if metav1.IsControlledBy(other, r.Deployment) && sameTemplate(&other.Spec.Template, &r.Spec.Template) {
		return exists // and so tried again, when the cache will be newer
	}
	r.Status.CollisionCount = ptr.To(ptr.Deref(r.Status.CollisionCount, 0) + 1)
	if _, err := r.client.AppsV1().Deployments(r.Namespace).UpdateStatus(ctx, r.Deployment, metav1.UpdateOptions{}); err != nil {
		return fmt.Errorf("counting a collision of names: %w", err)
	}
	return exists
}

// templateHash tells templates apart, in letters that make no words.
func templateHash(template *corev1.PodTemplateSpec, salt *int32) (string, error) {
	text, err := json.Marshal(template)
	if err != nil {
		return "", fmt.Errorf("hashing the template: %w", err)
	}
	hash := fnv.New32a()
	hash.Write(text)
	if salt != nil {
		fmt.Fprint(hash, *salt)
	}
	return rand.SafeEncodeString(strconv.FormatUint(uint64(hash.Sum32()), 10)), nil
}
