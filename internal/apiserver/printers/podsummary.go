package printers

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// nodeLost is the reason that a pod's status carries when its node has
// stopped answering.
const nodeLost = "NodeLost"

// podSummary is a pod's state in one word, and its containers counted.
type podSummary struct {
	reason       string
	ready, total int
	restartCount int
	lastRestart  metav1.Time
}

// summarize finds the word that tells a user most: the pod's phase or
// reason, overridden by the init container that holds it up, else by a
// container that is not running, else by its deletion.
func summarize(pod *corev1.Pod) podSummary {
	s := podSummary{
		reason: or(pod.Status.Reason, string(pod.Status.Phase)),
		total:  len(pod.Spec.Containers),
	}
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodScheduled && c.Reason == corev1.PodReasonSchedulingGated {
			s.reason = corev1.PodReasonSchedulingGated
		}
	}
	initializing := s.initContainers(pod)
	if !initializing || conditionIsTrue(pod, corev1.PodInitialized) {
		s.containers(pod)
	}
	s.deletion(pod)
	return s
}

// initContainers looks for the first init container that has not done its
// work, and tells whether there is one. The restarts counted are those of
// all init containers then, and of the side-cars alone later.
func (s *podSummary) initContainers(pod *corev1.Pod) bool {
	sidecars := sidecarsOf(pod)
	s.total += len(sidecars)
	var ofSidecars podSummary
	for i := range pod.Status.InitContainerStatuses {
		c := &pod.Status.InitContainerStatuses[i]
		s.countRestarts(c)
		if sidecars[c.Name] {
			ofSidecars.countRestarts(c)
		}
		switch {
		case c.State.Terminated != nil && c.State.Terminated.ExitCode == 0:
			continue
		case sidecars[c.Name] && deref(c.Started):
			if c.Ready {
				s.ready++
			}
			continue
		}
		s.reason = initReason(c, i, len(pod.Spec.InitContainers))
		if conditionIsTrue(pod, corev1.PodInitialized) {
			s.restartCount, s.lastRestart = ofSidecars.restartCount, ofSidecars.lastRestart
		}
		return true
	}
	s.restartCount, s.lastRestart = ofSidecars.restartCount, ofSidecars.lastRestart
	return false
}

// sidecarsOf names the init containers that keep running beside the others.
func sidecarsOf(pod *corev1.Pod) map[string]bool {
	names := map[string]bool{}
	for _, c := range pod.Spec.InitContainers {
		if c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways {
			names[c.Name] = true
		}
	}
	return names
}

// initReason says why the i-th of n init containers is not done.
func initReason(c *corev1.ContainerStatus, i, n int) string {
	switch {
	case c.State.Terminated != nil:
		return "Init:" + terminatedReason(c.State.Terminated)
	case c.State.Waiting != nil && c.State.Waiting.Reason != "" && c.State.Waiting.Reason != "PodInitializing":
		return "Init:" + c.State.Waiting.Reason
	default:
		return fmt.Sprintf("Init:%d/%d", i, n)
	}
}

// containers counts the ready ones. The first container that is not running
// gives the reason; a pod of which one has completed and another runs, runs.
func (s *podSummary) containers(pod *corev1.Pod) {
	running := false
	for i := len(pod.Status.ContainerStatuses) - 1; i >= 0; i-- {
		c := &pod.Status.ContainerStatuses[i]
		s.countRestarts(c)
		switch {
		case c.State.Waiting != nil && c.State.Waiting.Reason != "":
			s.reason = c.State.Waiting.Reason
		case c.State.Terminated != nil:
			s.reason = terminatedReason(c.State.Terminated)
		case c.Ready && c.State.Running != nil:
			running = true
			s.ready++
		}
	}
	if s.reason == "Completed" && running {
		s.reason = "NotReady"
		if conditionIsTrue(pod, corev1.PodReady) {
			s.reason = "Running"
		}
	}
}

// deletion overrides the reason of a pod that is going away; one that has
// ended keeps its own.
func (s *podSummary) deletion(pod *corev1.Pod) {
	ended := pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed
	switch {
	case pod.DeletionTimestamp == nil:
	case pod.Status.Reason == nodeLost:
		s.reason = "Unknown"
	case !ended:
		s.reason = "Terminating"
	}
}

func (s *podSummary) countRestarts(c *corev1.ContainerStatus) {
	s.restartCount += int(c.RestartCount)
	if t := c.LastTerminationState.Terminated; t != nil && s.lastRestart.Before(&t.FinishedAt) {
		s.lastRestart = t.FinishedAt
	}
}

func terminatedReason(t *corev1.ContainerStateTerminated) string {
	switch {
	case t.Reason != "":
		return t.Reason
	case t.Signal != 0:
		return fmt.Sprintf("Signal:%d", t.Signal)
	default:
		return fmt.Sprintf("ExitCode:%d", t.ExitCode)
	}
}
