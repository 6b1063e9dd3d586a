package replication

import (
	"errors"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// statusOf counts the pods of an owner, and says after which time one more will
// have been ready for long enough; 0 if none will by itself.
func statusOf(owner *Owner, pods []*corev1.Pod, failed error, now time.Time) (Status, time.Duration) {
	status := Status{Replicas: int32(len(pods))}
	template := labels.SelectorFromSet(owner.Template.Labels)
	var due time.Duration
	for _, pod := range pods {
		if template.Matches(labels.Set(pod.Labels)) {
			status.FullyLabeled++
		}
		if !isReady(pod) {
			continue
		}
		status.Ready++
		left := time.Duration(0)
		if owner.MinReady > 0 {
			left = readySince(pod).Add(owner.MinReady).Sub(now)
		}
		switch {
		case left <= 0:
			status.Available++
		case due == 0 || left < due:
			due = left
		}
	}
	if failure := (*scaleError)(nil); errors.As(failed, &failure) {
		status.Failure = &Failure{Reason: failure.reason, Message: errors.Unwrap(failure.err).Error()}
	}
	return status, due
}
