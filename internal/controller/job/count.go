package job

import (
	"context"
	"fmt"
	"slices"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	"github.com/causeway-access/causeway/internal/controller/ownpods"
)

// A pod that has ended is counted in three steps, each of which can be followed
// by the end of this process: its UID is recorded in the status, its finalizer is
// removed, and the UID is replaced by one more in the count. A UID with a
// finalizer still to be removed, or already removed, says where to go on.

// recordAtOnce bounds the UIDs in a status.
const recordAtOnce = 500

// tracked reports that a pod has not been counted yet.
func tracked(pod *corev1.Pod) bool {
	return slices.Contains(pod.Finalizers, batchv1.JobTrackingFinalizer)
}

// letGo reports that a pod was deleted and no node has it any more: all that it
// waits for is to be counted.
func letGo(pod *corev1.Pod) bool {
	return pod.DeletionTimestamp != nil && ptr.Deref(pod.DeletionGracePeriodSeconds, 1) == 0
}

// failed reports that a pod counts as one that failed: also one that was asked to
// go, which is replaced at once unless the job wants to wait for its end.
func (l *look) failed(pod *corev1.Pod) bool {
	if pod.Status.Phase == corev1.PodSucceeded {
		return false
	}
	atOnce := ptr.Deref(l.Spec.PodReplacementPolicy, batchv1.TerminatingOrFailed) == batchv1.TerminatingOrFailed
	return pod.Status.Phase == corev1.PodFailed || letGo(pod) || (atOnce && pod.DeletionTimestamp != nil)
}

// ending is the pods that have ended or were asked to.
func (l *look) ending() []*corev1.Pod {
	var ending []*corev1.Pod
	for _, pod := range l.pods {
		if ownpods.Ended(pod) || pod.DeletionTimestamp != nil {
			ending = append(ending, pod)
		}
	}
	return ending
}

// counted is how many pods have succeeded and failed, those included that are
// recorded alone.
func (l *look) counted() (succeeded, failed int) {
	succeeded, failed = int(l.status.Succeeded), int(l.status.Failed)
	if u := l.status.UncountedTerminatedPods; u != nil {
		succeeded, failed = succeeded+len(u.Succeeded), failed+len(u.Failed)
	}
	return succeeded, failed
}

// fold is the third step, for all whose finalizer is gone.
func (l *look) fold() {
	waiting := map[types.UID]bool{}
	for _, pod := range l.pods {
		waiting[pod.UID] = tracked(pod) && !l.released.has(l.key, pod.UID)
	}
	u := l.status.UncountedTerminatedPods
	if u == nil {
		u = &batchv1.UncountedTerminatedPods{}
		l.status.UncountedTerminatedPods = u
	}
	fold := func(list []types.UID, count *int32) []types.UID {
		all := len(list)
		rest := slices.DeleteFunc(list, func(uid types.UID) bool { return !waiting[uid] })
		*count += int32(all - len(rest))
		return rest
	}
	succeeded, failed := slices.Clone(u.Succeeded), slices.Clone(u.Failed)
	u.Succeeded, u.Failed = fold(succeeded, &l.status.Succeeded), fold(failed, &l.status.Failed)
}

// record is the first step, for all that have ended since.
func (l *look) record(ctx context.Context) error {
	u := l.status.UncountedTerminatedPods
	known := map[types.UID]bool{}
	for _, uid := range slices.Concat(u.Succeeded, u.Failed) {
		known[uid] = true
	}
	indexes := l.completed()
	for _, pod := range l.pods {
		if known[pod.UID] || !tracked(pod) || l.released.has(l.key, pod.UID) || len(known) >= recordAtOnce {
			continue
		}
		succeeded := pod.Status.Phase == corev1.PodSucceeded
		if !succeeded && !l.failed(pod) {
			continue
		}
		// The cache of a process that has just taken over may not know yet that
		// the pod was counted.
		if ok, err := l.stillTracked(ctx, pod); err != nil || !ok {
			if err != nil {
				return err
			}
			continue
		}
		known[pod.UID] = true
		switch {
		case !succeeded:
			u.Failed = append(u.Failed, pod.UID)
		case l.indexed(): // the set of indexes needs no second step
			if i, ok := indexOf(pod); ok && i < int(ptr.Deref(l.Spec.Completions, 0)) {
				indexes[i] = true
			}
		default:
			u.Succeeded = append(u.Succeeded, pod.UID)
		}
	}
	if l.indexed() {
		l.status.CompletedIndexes, l.status.Succeeded = formatIndexes(indexes), int32(len(indexes))
	}
	return nil
}

func (l *look) stillTracked(ctx context.Context, pod *corev1.Pod) (bool, error) {
	fresh, err := l.client.CoreV1().Pods(pod.Namespace).Get(ctx, pod.Name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("reading pod %s/%s before it is counted: %w", pod.Namespace, pod.Name, err)
	}
	return fresh.UID == pod.UID && tracked(fresh), nil
}

// letCountedGo is the second step, for all that are recorded.
func (l *look) letCountedGo(ctx context.Context) error {
	u := l.status.UncountedTerminatedPods
	var recorded []*corev1.Pod
	for _, pod := range l.pods {
		done := l.indexed() && pod.Status.Phase == corev1.PodSucceeded
		if done || slices.Contains(u.Succeeded, pod.UID) || slices.Contains(u.Failed, pod.UID) {
			recorded = append(recorded, pod)
		}
	}
	return l.runner.letGo(ctx, l.key, recorded)
}
