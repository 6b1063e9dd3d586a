package deployment

import (
	"context"
	"fmt"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/cache"
)

func keyOf(d *appsv1.Deployment) cache.ObjectName { return cache.MetaObjectToName(d) }

func condition(s *appsv1.DeploymentStatus, kind appsv1.DeploymentConditionType) *appsv1.DeploymentCondition {
	for i := range s.Conditions {
		if s.Conditions[i].Type == kind {
			return &s.Conditions[i]
		}
	}
	return nil
}

func removeCondition(s *appsv1.DeploymentStatus, kind appsv1.DeploymentConditionType) {
	s.Conditions = slices.DeleteFunc(s.Conditions, func(c appsv1.DeploymentCondition) bool { return c.Type == kind })
}

// setCondition changes a condition if its status or reason is another.
func setCondition(s *appsv1.DeploymentStatus, kind appsv1.DeploymentConditionType, status corev1.ConditionStatus, reason, message string) {
	if last := condition(s, kind); last != nil && last.Status == status && last.Reason == reason {
		return
	}
	putCondition(s, kind, status, reason, message)
}

// moved says that an update goes on; the time of that is what the deadline
// counts from.
func moved(s *appsv1.DeploymentStatus, message string) {
	putCondition(s, appsv1.DeploymentProgressing, corev1.ConditionTrue, reasonUpdated, message)
}

func putCondition(s *appsv1.DeploymentStatus, kind appsv1.DeploymentConditionType, status corev1.ConditionStatus, reason, message string) {
	now := metav1.Now()
	next := appsv1.DeploymentCondition{Type: kind, Status: status, Reason: reason, Message: message, LastUpdateTime: now, LastTransitionTime: now}
	last := condition(s, kind)
	if last != nil && last.Status == status {
		next.LastTransitionTime = last.LastTransitionTime
	}
	removeCondition(s, kind)
	s.Conditions = append(s.Conditions, next)
}

// tellPause notes that the deployment was paused, or goes on: the deadline does
// not run meanwhile. It reports whether it has written that.
func (r *rollout) tellPause(ctx context.Context) (bool, error) {
	last := condition(&r.Deployment.Status, appsv1.DeploymentProgressing)
	told := last != nil && last.Reason == reasonPaused
	if !r.hasDeadline() || told == r.Spec.Paused || (last != nil && last.Reason == reasonTimedOut) {
		return false, nil
	}
	s := *r.Deployment.Status.DeepCopy()
	if r.Spec.Paused {
		setCondition(&s, appsv1.DeploymentProgressing, corev1.ConditionUnknown, reasonPaused, "Deployment is paused")
	} else {
		setCondition(&s, appsv1.DeploymentProgressing, corev1.ConditionUnknown, reasonResumed, "Deployment is resumed")
	}
	return true, r.writeStatus(ctx, s)
}

// tellRevision notes on the deployment which revision it is at, and that an
// update has begun if nothing said so yet.
func (r *rollout) tellRevision(ctx context.Context, reason, message string) error {
	s := *r.Deployment.Status.DeepCopy()
	last := condition(&s, appsv1.DeploymentProgressing)
	if r.hasDeadline() && (last == nil || reason == "NewReplicaSetCreated") {
		putCondition(&s, appsv1.DeploymentProgressing, corev1.ConditionTrue, reason, message)
	}
	revision := r.current.Annotations[revisionAnnotation]
	if r.Annotations[revisionAnnotation] == revision && len(s.Conditions) == len(r.Deployment.Status.Conditions) && reason != "NewReplicaSetCreated" {
		return nil
	}
	metav1.SetMetaDataAnnotation(&r.ObjectMeta, revisionAnnotation, revision)
	changed := r.DeepCopy()
	changed.Status = s
	written, err := r.client.AppsV1().Deployments(r.Namespace).UpdateStatus(ctx, changed, metav1.UpdateOptions{})
	if err != nil {
		return fmt.Errorf("noting the revision of deployment %s/%s: %w", r.Namespace, r.Name, err)
	}
	r.Deployment = written
	return nil
}

// tellFailure notes that the new replica set was refused.
func (r *rollout) tellFailure(ctx context.Context, rs *appsv1.ReplicaSet, cause error) error {
	message := fmt.Sprintf("Failed to create new replica set %q: %v", rs.Name, cause)
	r.events.Event(r.Deployment, corev1.EventTypeWarning, reasonNotMade, message)
	s := r.status()
	if r.hasDeadline() {
		setCondition(&s, appsv1.DeploymentProgressing, corev1.ConditionFalse, reasonNotMade, message)
	}
	if err := r.writeStatus(ctx, s); err != nil {
		return err
	}
	return fmt.Errorf("creating replica set %s: %w", rs.Name, cause)
}
