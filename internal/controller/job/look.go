package job

import (
	"context"
	"errors"
	"fmt"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/utils/ptr"

	"github.com/causeway-access/causeway/internal/controller/ownpods"
)

// look is one job with its pods, while it is looked at.
type look struct {
	*runner
	*batchv1.Job // a copy of the cached one
	key          cache.ObjectName
	now          time.Time
	// status is what the job's is to be.
	status *batchv1.JobStatus
	// pods is all; active those that go on, leaving those that were asked to end
	// and have not.
	pods, active, leaving []*corev1.Pod
	// news is what is to be told when the status is written, and not before: the
	// write fails if the cache was behind.
	news []news
}

// news is an event.
type news struct{ kind, reason, message string }

func (l *look) tell(kind, reason, message string) {
	l.news = append(l.news, news{kind, reason, message})
}

func (l *look) sort(pods []*corev1.Pod) {
	l.pods = pods
	for _, pod := range pods {
		switch {
		case ownpods.Ended(pod) || letGo(pod):
		case l.maker.Writes.Leaving(l.key, pod):
			l.leaving = append(l.leaving, pod)
		default:
			l.active = append(l.active, pod)
		}
	}
}

func (l *look) suspended() bool { return ptr.Deref(l.Spec.Suspend, false) }

func (l *look) indexed() bool {
	return ptr.Deref(l.Spec.CompletionMode, batchv1.NonIndexedCompletion) == batchv1.IndexedCompletion
}

// step does what is due now. Each write brings the job back for the next.
func (l *look) step(ctx context.Context) error {
	switch {
	case l.finishedAt() != nil:
		return errors.Join(l.runner.letGo(ctx, l.key, l.pods), l.expire(ctx))
	case l.DeletionTimestamp != nil: // the garbage collector deletes the pods
		return l.runner.letGo(ctx, l.key, l.ending())
	}
	l.begin()
	l.fold()
	if err := l.record(ctx); err != nil {
		return err
	}
	l.judge()
	l.finish()
	if err := l.writeStatus(ctx); err != nil {
		return err // what was not recorded must not be acted upon
	}
	return errors.Join(l.letCountedGo(ctx), l.manage(ctx))
}

// begin notes when the job has begun, or that it is suspended.
func (l *look) begin() {
	suspended := condition(l.status, batchv1.JobSuspended)
	switch {
	case l.suspended():
		l.status.StartTime = nil
		if !isTrue(suspended) {
			l.setCondition(batchv1.JobSuspended, corev1.ConditionTrue, "JobSuspended", "Job suspended")
			l.tell(corev1.EventTypeNormal, "Suspended", "Job suspended")
		}
	case isTrue(suspended):
		l.setCondition(batchv1.JobSuspended, corev1.ConditionFalse, "JobResumed", "Job resumed")
		l.tell(corev1.EventTypeNormal, "Resumed", "Job resumed")
		fallthrough
	default:
		if l.status.StartTime == nil {
			l.status.StartTime = ptr.To(metav1.NewTime(l.now))
		}
	}
}

// writeStatus writes the status if it is another than the job has.
func (l *look) writeStatus(ctx context.Context) error {
	ready := int32(0)
	for _, pod := range l.active {
		if ownpods.Ready(pod) {
			ready++
		}
	}
	l.status.Active, l.status.Ready, l.status.Terminating = int32(len(l.active)), &ready, ptr.To(int32(len(l.leaving)))
	if apiequality.Semantic.DeepEqual(*l.status, l.Status) {
		return nil
	}
	changed := l.DeepCopy()
	changed.Status = *l.status
	if _, err := l.client.BatchV1().Jobs(l.Namespace).UpdateStatus(ctx, changed, metav1.UpdateOptions{}); err != nil {
		return fmt.Errorf("writing the status of job %s: %w", l.key, err)
	}
	for _, n := range l.news {
		l.events.Event(l.Job, n.kind, n.reason, n.message)
	}
	return nil
}

// expire deletes a finished job when its time is over.
func (l *look) expire(ctx context.Context) error {
	if l.Spec.TTLSecondsAfterFinished == nil || l.DeletionTimestamp != nil {
		return nil
	}
	left := l.finishedAt().Add(time.Duration(*l.Spec.TTLSecondsAfterFinished) * time.Second).Sub(l.now)
	if left > 0 {
		l.loop.AddAfter(l.key, left)
		return nil
	}
	err := l.client.BatchV1().Jobs(l.Namespace).Delete(ctx, l.Name, metav1.DeleteOptions{
		PropagationPolicy: ptr.To(metav1.DeletePropagationBackground),
		// The time may have been changed, which the cache does not know yet.
		Preconditions: &metav1.Preconditions{UID: ptr.To(l.UID), ResourceVersion: ptr.To(l.ResourceVersion)},
	})
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("deleting job %s, whose time after its end is over: %w", l.key, err)
	}
	return nil
}
