package deployment

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Reasons of the condition Progressing, as kubectl reads them.
const (
	reasonComplete  = "NewReplicaSetAvailable"
	reasonUpdated   = "ReplicaSetUpdated"
	reasonTimedOut  = "ProgressDeadlineExceeded"
	reasonPaused    = "DeploymentPaused"
	reasonResumed   = "DeploymentResumed"
	reasonNotMade   = "ReplicaSetCreateError"
	reasonAvailable = "MinimumReplicasAvailable"
	reasonMissing   = "MinimumReplicasUnavailable"
)

// status counts what the sets say of their pods.
func (r *rollout) status() appsv1.DeploymentStatus {
	old := r.Deployment.Status
	s := appsv1.DeploymentStatus{
		ObservedGeneration: r.Generation, CollisionCount: old.CollisionCount, TerminatingReplicas: old.TerminatingReplicas,
		Replicas:          sum(r.all(), func(rs *appsv1.ReplicaSet) int32 { return rs.Status.Replicas }),
		ReadyReplicas:     sum(r.all(), func(rs *appsv1.ReplicaSet) int32 { return rs.Status.ReadyReplicas }),
		AvailableReplicas: sum(r.all(), available),
		Conditions:        append([]appsv1.DeploymentCondition(nil), old.Conditions...),
	}
	if r.current != nil {
		s.UpdatedReplicas = r.current.Status.Replicas
	}
	s.UnavailableReplicas = max(sum(r.all(), wanted)-s.AvailableReplicas, 0)
	if _, unavailable := r.limits(); s.AvailableReplicas >= r.replicas()-unavailable {
		setCondition(&s, appsv1.DeploymentAvailable, corev1.ConditionTrue, reasonAvailable, "Deployment has minimum availability.")
	} else {
		setCondition(&s, appsv1.DeploymentAvailable, corev1.ConditionFalse, reasonMissing, "Deployment does not have minimum availability.")
	}
	return s
}

// finish deletes what history is not kept, and writes the status.
func (r *rollout) finish(ctx context.Context) error {
	var err error
	if r.complete(r.status()) || r.Spec.Paused {
		err = r.clean(ctx)
	}
	return r.withStatus(ctx, err)
}

// withStatus writes the status after a step, whether it failed or not.
func (r *rollout) withStatus(ctx context.Context, err error) error {
	s := r.status()
	r.judge(&s)
	return errors.Join(err, r.writeStatus(ctx, s))
}

func (r *rollout) writeStatus(ctx context.Context, s appsv1.DeploymentStatus) error {
	if apiequality.Semantic.DeepEqual(s, r.Deployment.Status) {
		return nil
	}
	changed := r.DeepCopy()
	changed.Status = s
	written, err := r.client.AppsV1().Deployments(r.Namespace).UpdateStatus(ctx, changed, metav1.UpdateOptions{})
	if err != nil {
		return fmt.Errorf("writing the status of deployment %s/%s: %w", r.Namespace, r.Name, err)
	}
	r.Deployment = written
	return nil
}

// complete reports that all pods are of the template, and available.
func (r *rollout) complete(s appsv1.DeploymentStatus) bool {
	n := r.replicas()
	return s.UpdatedReplicas == n && s.Replicas == n && s.AvailableReplicas == n && s.ObservedGeneration >= r.Generation
}

// hasDeadline is false for a deployment that may take for ever.
func (r *rollout) hasDeadline() bool {
	return r.Spec.ProgressDeadlineSeconds != nil && *r.Spec.ProgressDeadlineSeconds != math.MaxInt32
}

// judge sets the conditions that tell whether the update goes on.
func (r *rollout) judge(s *appsv1.DeploymentStatus) {
	r.judgeFailure(s)
	if r.Spec.Paused {
		return
	}
	if !r.hasDeadline() {
		removeCondition(s, appsv1.DeploymentProgressing)
		return
	}
	subject := fmt.Sprintf("Deployment %q", r.Name)
	if r.current != nil {
		subject = fmt.Sprintf("ReplicaSet %q", r.current.Name)
	}
	last := condition(s, appsv1.DeploymentProgressing)
	if last != nil && last.Reason == reasonComplete && s.Replicas == s.UpdatedReplicas {
		return // it was complete; pods that fail later are no update
	}
	switch {
	case r.complete(*s):
		setCondition(s, appsv1.DeploymentProgressing, corev1.ConditionTrue, reasonComplete, subject+" has successfully progressed.")
	case r.progressed(s):
		moved(s, subject+" is progressing.")
	case r.overdue(last):
		setCondition(s, appsv1.DeploymentProgressing, corev1.ConditionFalse, reasonTimedOut, subject+" has timed out progressing.")
	}
}

// progressed reports that there are more new pods or fewer old ones than before.
func (r *rollout) progressed(s *appsv1.DeploymentStatus) bool {
	old := r.Deployment.Status
	return s.UpdatedReplicas > old.UpdatedReplicas || s.Replicas-s.UpdatedReplicas < old.Replicas-old.UpdatedReplicas ||
		s.ReadyReplicas > old.ReadyReplicas || s.AvailableReplicas > old.AvailableReplicas
}

// overdue reports that nothing has gone on for the time of the deadline. If
// that is still to come, the deployment is looked at again then.
func (r *rollout) overdue(last *appsv1.DeploymentCondition) bool {
	if last == nil || last.Reason == reasonComplete || last.Reason == reasonTimedOut {
		return false
	}
	deadline := last.LastUpdateTime.Add(time.Duration(*r.Spec.ProgressDeadlineSeconds) * time.Second)
	if left := time.Until(deadline); left > 0 {
		// The times of conditions are whole seconds.
		r.loop.AddAfter(keyOf(r.Deployment), left+time.Second)
		return false
	}
	return true
}

// judgeFailure passes on that a set could not make its pods.
func (r *rollout) judgeFailure(s *appsv1.DeploymentStatus) {
	sets := r.old
	if r.current != nil {
		sets = append([]*appsv1.ReplicaSet{r.current}, r.old...)
	}
	for _, rs := range sets {
		for _, c := range rs.Status.Conditions {
			if c.Type == appsv1.ReplicaSetReplicaFailure && c.Status == corev1.ConditionTrue {
				setCondition(s, appsv1.DeploymentReplicaFailure, c.Status, c.Reason, c.Message)
				return
			}
		}
	}
	removeCondition(s, appsv1.DeploymentReplicaFailure)
}
