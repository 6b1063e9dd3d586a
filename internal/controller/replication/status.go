package replication

import (
	"errors"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/causeway-access/causeway/internal/controller/ownpods"
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
		if !ownpods.Ready(pod) {
			continue
		}
		status.Ready++
		available, left := ownpods.Available(pod, owner.MinReady, now)
		switch {
		case available:
			status.Available++
		case due == 0 || left < due:
			due = left
		}
	}
	if failure := (*ownpods.Error)(nil); errors.As(failed, &failure) {
		status.Failure = &Failure{Reason: failure.Reason, Message: errors.Unwrap(failure.Err).Error()}
	}
	return status, due
}
