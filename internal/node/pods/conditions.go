package pods

import (
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// conditions are those that a node writes. before has the times of the last
// changes.
func (w *worker) conditions(s *corev1.PodStatus, before []corev1.PodCondition) []corev1.PodCondition {
	ready := w.containersReady(s)
	list := []corev1.PodCondition{
		{Type: corev1.PodReadyToStartContainers, Status: status(w.sandbox != nil && w.sandbox.Ready)},
		w.initializedCondition(s),
		w.ready(ready),
		ready,
		{Type: corev1.PodScheduled, Status: corev1.ConditionTrue},
	}
	if c := w.disruption(); c != nil {
		list = append(list, *c)
	}
	now := metav1.NewTime(time.Now().Truncate(time.Second))
	for i := range list {
		c := &list[i]
		c.ObservedGeneration = w.pod.Generation
		c.LastTransitionTime = now
		if was := condition(before, c.Type); was != nil && was.Status == c.Status {
			c.LastTransitionTime = was.LastTransitionTime
		}
	}
	return list
}

func status(is bool) corev1.ConditionStatus {
	if is {
		return corev1.ConditionTrue
	}
	return corev1.ConditionFalse
}

// initializedCondition is about the init containers.
func (w *worker) initializedCondition(s *corev1.PodStatus) corev1.PodCondition {
	c := corev1.PodCondition{Type: corev1.PodInitialized, Status: corev1.ConditionTrue}
	if s.Phase == corev1.PodSucceeded {
		c.Reason = "PodCompleted"
		return c
	}
	var missing []string
	for _, i := range w.of(setup, sidecar) {
		done := i.exited() && i.current.ExitCode == 0
		if i.kind == sidecar {
			done = i.started
		}
		if !done {
			missing = append(missing, i.spec.Name)
		}
	}
	if len(missing) > 0 && !w.initialized() {
		c.Status, c.Reason = corev1.ConditionFalse, "ContainersNotInitialized"
		c.Message = fmt.Sprintf("containers with incomplete status: [%s]", strings.Join(missing, " "))
	}
	return c
}

// containersReady is about the ordinary containers and side-cars.
func (w *worker) containersReady(s *corev1.PodStatus) corev1.PodCondition {
	c := corev1.PodCondition{Type: corev1.ContainersReady, Status: corev1.ConditionFalse}
	switch s.Phase {
	case corev1.PodSucceeded:
		c.Reason = "PodCompleted"
		return c
	case corev1.PodFailed:
		c.Reason = "PodFailed"
		return c
	}
	var unready []string
	for _, i := range w.of(sidecar, ordinary) {
		if !i.running() || !i.ready {
			unready = append(unready, i.spec.Name)
		}
	}
	if len(unready) == 0 {
		c.Status = corev1.ConditionTrue
		return c
	}
	c.Reason = "ContainersNotReady"
	c.Message = fmt.Sprintf("containers with unready status: [%s]", strings.Join(unready, " "))
	return c
}

// ready is the containers' readiness, and what others say by readiness gates.
func (w *worker) ready(containers corev1.PodCondition) corev1.PodCondition {
	c := containers
	c.Type = corev1.PodReady
	if c.Status != corev1.ConditionTrue {
		return c
	}
	var messages []string
	for _, gate := range w.pod.Spec.ReadinessGates {
		switch is := condition(w.pod.Status.Conditions, gate.ConditionType); {
		case is == nil:
			messages = append(messages, fmt.Sprintf("corresponding condition of pod readiness gate %q does not exist.", gate.ConditionType))
		case is.Status != corev1.ConditionTrue:
			messages = append(messages, fmt.Sprintf("the status of pod readiness gate %q is not \"True\", but %v", gate.ConditionType, is.Status))
		}
	}
	if len(messages) > 0 {
		c.Status, c.Reason, c.Message = corev1.ConditionFalse, "ReadinessGatesNotReady", strings.Join(messages, ", ")
	}
	return c
}
