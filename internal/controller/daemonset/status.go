package daemonset

import (
	"context"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/causeway-access/causeway/internal/controller/ownpods"
)

// status counts nodes. Of several pods on a node the eldest counts, so that an
// update which makes new ones first is over when the old ones are gone.
func (l *look) status() appsv1.DaemonSetStatus {
	status := appsv1.DaemonSetStatus{
		ObservedGeneration: l.Generation, CollisionCount: l.Status.CollisionCount, Conditions: l.Status.Conditions,
	}
	for _, s := range l.spots {
		if !s.wanted {
			if len(s.pods) > 0 {
				status.NumberMisscheduled++
			}
			continue
		}
		status.DesiredNumberScheduled++
		if len(s.pods) == 0 {
			continue
		}
		status.CurrentNumberScheduled++
		pod := s.pods[0]
		if ownpods.Ready(pod) {
			status.NumberReady++
		}
		if l.available(pod) {
			status.NumberAvailable++
		}
		if l.isNew(pod) {
			status.UpdatedNumberScheduled++
		}
	}
	status.NumberUnavailable = status.DesiredNumberScheduled - status.NumberAvailable
	return status
}

// writeStatus writes the status if it is another than the daemon set has, and
// has it looked at again when a pod will be available.
func (l *look) writeStatus(ctx context.Context) error {
	status := l.status()
	if l.due > 0 {
		l.loop.AddAfter(l.key, l.due)
	}
	if apiequality.Semantic.DeepEqual(status, l.Status) {
		return nil
	}
	changed := l.DeepCopy()
	changed.Status = status
	if _, err := l.client.AppsV1().DaemonSets(l.Namespace).UpdateStatus(ctx, changed, metav1.UpdateOptions{}); err != nil {
		return fmt.Errorf("writing the status of daemon set %s: %w", l.key, err)
	}
	return nil
}
