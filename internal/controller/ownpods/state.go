package ownpods

import (
	"time"

	corev1 "k8s.io/api/core/v1"
)

// Ended reports that a pod has succeeded or failed.
func Ended(pod *corev1.Pod) bool {
	return pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed
}

// Active is the pods that have not ended and are not asked to.
func Active(pods []*corev1.Pod) []*corev1.Pod {
	var living []*corev1.Pod
	for _, pod := range pods {
		if !Ended(pod) && pod.DeletionTimestamp == nil {
			living = append(living, pod)
		}
	}
	return living
}

// Ready reports that a pod is ready.
func Ready(pod *corev1.Pod) bool { return readyCondition(pod) != nil }

// Available reports that a pod has been ready for as long as is wanted; and if
// it is ready but not for that long, when it will have been.
func Available(pod *corev1.Pod, minReady time.Duration, now time.Time) (bool, time.Duration) {
	if !Ready(pod) {
		return false, 0
	}
	if minReady <= 0 {
		return true, 0
	}
	left := readySince(pod).Add(minReady).Sub(now)
	return left <= 0, max(left, 0)
}

func readyCondition(pod *corev1.Pod) *corev1.PodCondition {
	for i := range pod.Status.Conditions {
		if c := &pod.Status.Conditions[i]; c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue {
			return c
		}
	}
	return nil
}

func readySince(pod *corev1.Pod) time.Time {
	if c := readyCondition(pod); c != nil {
		return c.LastTransitionTime.Time
	}
	return time.Time{}
}
