package job

import (
	"context"
	"errors"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"

	"github.com/causeway-access/causeway/internal/controller/ownpods"
)

const (
	// atOnce bounds the pods made before a job is looked at again.
	atOnce = 500
	// minBackoff and maxBackoff bound the time between a failure and the next
	// pod, which doubles from failure to failure.
	minBackoff = 10 * time.Second
	maxBackoff = 10 * time.Minute
)

// manage makes the pods that are missing and deletes those that are too many.
func (l *look) manage(ctx context.Context) error {
	switch {
	case l.finishedAt() != nil:
		return nil
	case l.goal() != nil: // what is deleted now has not done its work, and counts as failed
		return ownpods.InParallel(l.active, func(pod *corev1.Pod) error { return l.maker.Delete(ctx, l.Job, pod) })
	case l.suspended():
		return l.discard(ctx, l.active)
	}
	wanted, indexes := l.wanted(), []int(nil)
	keep, surplus := l.active, []*corev1.Pod(nil)
	if l.indexed() {
		keep, surplus = l.byIndex(l.active)
	}
	if more := len(keep) - wanted; more > 0 {
		sorted := ownpods.ByWorth(keep)
		keep, surplus = sorted[more:], append(surplus, sorted[:more]...)
	}
	missing := min(wanted-len(keep)-l.awaited(), atOnce)
	if l.indexed() {
		indexes = l.freeIndexes(keep, missing)
		missing = len(indexes)
	}
	if wait := l.pause(); missing > 0 && wait > 0 {
		l.loop.AddAfter(l.key, wait)
		missing = 0
	}
	pods := make([]*corev1.Pod, max(missing, 0))
	for i := range pods {
		pods[i] = l.newPod(indexes, i)
	}
	return errors.Join(l.discard(ctx, surplus),
		ownpods.InBatches(pods, func(pod *corev1.Pod) error { return l.maker.Create(ctx, l.Job, pod) }))
}

// wanted is how many pods are to be active.
func (l *look) wanted() int {
	parallelism := int(ptr.Deref(l.Spec.Parallelism, 1))
	succeeded, _ := l.counted()
	switch {
	case l.Spec.Completions != nil:
		return min(parallelism, max(int(*l.Spec.Completions)-succeeded, 0))
	case succeeded > 0: // one has found the work done: the others finish theirs
		return min(parallelism, len(l.active))
	}
	return parallelism
}

// awaited is how many pods must end before others take their places.
func (l *look) awaited() int {
	if ptr.Deref(l.Spec.PodReplacementPolicy, batchv1.TerminatingOrFailed) == batchv1.Failed {
		return len(l.leaving)
	}
	return 0
}

// discard deletes pods that the job wants no more: their work does not count,
// and neither does their end.
func (l *look) discard(ctx context.Context, pods []*corev1.Pod) error {
	if err := l.runner.letGo(ctx, l.key, pods); err != nil {
		return err
	}
	return ownpods.InParallel(pods, func(pod *corev1.Pod) error { return l.maker.Delete(ctx, l.Job, pod) })
}

// pause is how long the job has still to wait after failures since the last
// success. It is computed from the pods, so that it outlives this process.
func (l *look) pause() time.Duration {
	var lastSuccess, lastFailure time.Time
	for _, pod := range l.pods {
		if pod.Status.Phase == corev1.PodSucceeded && endOf(pod).After(lastSuccess) {
			lastSuccess = endOf(pod)
		}
	}
	failures := 0
	for _, pod := range l.pods {
		if end := endOf(pod); pod.Status.Phase == corev1.PodFailed && end.After(lastSuccess) {
			failures++
			if end.After(lastFailure) {
				lastFailure = end
			}
		}
	}
	if failures == 0 {
		return 0
	}
	backoff := min(minBackoff<<min(failures-1, 10), maxBackoff)
	return max(lastFailure.Add(backoff).Sub(l.now), 0)
}

// endOf is when the last container of a pod ended, or if none tells, when the pod
// was made.
func endOf(pod *corev1.Pod) time.Time {
	end := pod.CreationTimestamp.Time
	for _, list := range [][]corev1.ContainerStatus{pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses} {
		for i := range list {
			if t := list[i].State.Terminated; t != nil && t.FinishedAt.After(end) {
				end = t.FinishedAt.Time
			}
		}
	}
	return end
}
