package job

import (
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
)

func condition(s *batchv1.JobStatus, kind batchv1.JobConditionType) *batchv1.JobCondition {
	for i := range s.Conditions {
		if s.Conditions[i].Type == kind {
			return &s.Conditions[i]
		}
	}
	return nil
}

func isTrue(c *batchv1.JobCondition) bool { return c != nil && c.Status == corev1.ConditionTrue }

func (l *look) setCondition(kind batchv1.JobConditionType, status corev1.ConditionStatus, reason, message string) {
	next := batchv1.JobCondition{
		Type: kind, Status: status, Reason: reason, Message: message,
		LastProbeTime: metav1.NewTime(l.now), LastTransitionTime: metav1.NewTime(l.now),
	}
	if c := condition(l.status, kind); c != nil {
		*c = next
		return
	}
	l.status.Conditions = append(l.status.Conditions, next)
}

// finishedAt is when the job has completed or failed; nil if it has not.
func (l *look) finishedAt() *metav1.Time {
	for _, kind := range []batchv1.JobConditionType{batchv1.JobComplete, batchv1.JobFailed} {
		if c := condition(l.status, kind); isTrue(c) {
			return &c.LastTransitionTime
		}
	}
	return nil
}

// goal is what the job is coming to, which does not change any more; nil if it
// is to go on.
func (l *look) goal() *batchv1.JobCondition {
	for _, kind := range []batchv1.JobConditionType{batchv1.JobFailureTarget, batchv1.JobSuccessCriteriaMet} {
		if c := condition(l.status, kind); isTrue(c) {
			return c
		}
	}
	return nil
}

// judge decides whether the job is to end.
func (l *look) judge() {
	if l.goal() != nil {
		return
	}
	succeeded, failed := l.counted()
	fail := func(reason, message string) {
		l.setCondition(batchv1.JobFailureTarget, corev1.ConditionTrue, reason, message)
	}
	switch limit := int(ptr.Deref(l.Spec.BackoffLimit, 6)); {
	case failed > limit || l.restartedTooOften(limit):
		fail(batchv1.JobReasonBackoffLimitExceeded, "Job has reached the specified backoff limit")
	case l.overdue():
		fail(batchv1.JobReasonDeadlineExceeded, "Job was active longer than specified deadline")
	case l.suspended():
	case l.enough(succeeded):
		l.setCondition(batchv1.JobSuccessCriteriaMet, corev1.ConditionTrue, batchv1.JobReasonCompletionsReached, "Reached expected number of succeeded pods")
	}
}

// enough reports that as many pods have succeeded as are to; or if the job says
// no number, that one has and the others have come to an end by themselves.
func (l *look) enough(succeeded int) bool {
	if l.Spec.Completions != nil {
		return succeeded >= int(*l.Spec.Completions)
	}
	return succeeded > 0 && len(l.active)+len(l.leaving) == 0
}

// restartedTooOften counts the failures of containers that their nodes start
// again, which are no failures of pods.
func (l *look) restartedTooOften(limit int) bool {
	if l.Spec.Template.Spec.RestartPolicy != corev1.RestartPolicyOnFailure {
		return false
	}
	restarts := 0
	for _, pod := range l.active {
		for _, list := range [][]corev1.ContainerStatus{pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses} {
			for i := range list {
				restarts += int(list[i].RestartCount)
			}
		}
	}
	return restarts > 0 && restarts >= limit
}

// overdue reports that the job has been active for too long. If that is still to
// come, the job is looked at again then.
func (l *look) overdue() bool {
	if l.Spec.ActiveDeadlineSeconds == nil || l.status.StartTime == nil || l.suspended() {
		return false
	}
	left := l.status.StartTime.Add(time.Duration(*l.Spec.ActiveDeadlineSeconds) * time.Second).Sub(l.now)
	if left > 0 {
		l.loop.AddAfter(l.key, left)
	}
	return left <= 0
}

// finish says that the job has come to what it was coming to, when the last pod
// has ended and is counted.
func (l *look) finish() {
	goal := l.goal()
	u := l.status.UncountedTerminatedPods
	if goal == nil || len(l.active)+len(l.leaving)+len(u.Succeeded)+len(u.Failed) > 0 {
		return
	}
	l.status.UncountedTerminatedPods = &batchv1.UncountedTerminatedPods{}
	if goal.Type == batchv1.JobFailureTarget {
		l.setCondition(batchv1.JobFailed, corev1.ConditionTrue, goal.Reason, goal.Message)
		l.tell(corev1.EventTypeWarning, goal.Reason, goal.Message)
		return
	}
	l.setCondition(batchv1.JobComplete, corev1.ConditionTrue, goal.Reason, goal.Message)
	l.status.CompletionTime = ptr.To(metav1.NewTime(l.now))
	l.tell(corev1.EventTypeNormal, "Completed", "Job completed")
}
