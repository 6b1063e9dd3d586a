package pods

import (
	corev1 "k8s.io/api/core/v1"
)

// phase sums the containers up.
func (w *worker) phase() corev1.PodPhase {
	if w.ended != "" {
		return w.ended
	}
	for _, c := range w.of(setup) {
		if !c.exited() || c.current.ExitCode != 0 {
			if !w.begunOrdinary() {
				return corev1.PodPending
			}
		}
	}
	for _, c := range w.of(sidecar) {
		if c.current == nil && !w.begunOrdinary() {
			return corev1.PodPending
		}
	}
	for _, c := range w.of(ordinary) {
		if c.current == nil && c.previous == nil {
			return corev1.PodPending
		}
	}
	return corev1.PodRunning
}

// begunOrdinary says that an ordinary container has been started at any time.
func (w *worker) begunOrdinary() bool {
	for _, c := range w.of(ordinary) {
		if c.current != nil || c.previous != nil {
			return true
		}
	}
	return false
}
