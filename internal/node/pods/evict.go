package pods

import (
	"context"
	"errors"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
)

// reasonEvicted is that of a pod which the node ends because it, or the node,
// has too little of something.
const reasonEvicted = "Evicted"

// hurriedGrace is what containers have that are to end before they take more.
const hurriedGrace = time.Second

// Evict ends a pod for good: it fails, with the reason Evicted and a message,
// and stays for its users to look at. One that has ended, or that the node does
// not have, is left alone. It does not wait.
func (m *Manager) Evict(uid types.UID, message string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	w := m.workers[uid]
	if w == nil {
		return
	}
	w.later(func() {
		if w.ended != "" || w.verdict.reason != "" || w.gone || w.pod.DeletionTimestamp != nil {
			return
		}
		w.verdict = verdict{reason: reasonEvicted, message: message, hurry: true}
		w.warning(nil, reasonEvicted, "%s", message)
	})
}

// disruption is the condition of a pod that was ended by no fault of its
// program's, for those who count failures (KEP-3329).
func (w *worker) disruption() *corev1.PodCondition {
	if w.verdict.reason != reasonEvicted {
		return nil
	}
	return &corev1.PodCondition{
		Type: corev1.DisruptionTarget, Status: corev1.ConditionTrue,
		Reason: corev1.PodReasonTerminationByKubelet, Message: w.verdict.message,
	}
}

// Slim removes what containers have written that have ended, and the places of
// pods that have. Their logs stay, and what is known of them.
func (m *Manager) Slim(ctx context.Context) error {
	m.mu.Lock()
	var asked []chan error
	for _, w := range m.workers {
		done := make(chan error, 1)
		asked = append(asked, done)
		w.later(func() { done <- w.slim(ctx) })
	}
	m.mu.Unlock()
	var errs []error
	for _, done := range asked {
		select {
		case err := <-done:
			errs = append(errs, err)
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(slimPatience):
			// It is busy, or has ended meanwhile. The others are not to wait for it.
		}
	}
	return errors.Join(errs...)
}

// slimPatience is how long one worker is waited for.
const slimPatience = 2 * time.Second

func (w *worker) slim(ctx context.Context) error {
	if w.ended != "" && w.cleared && w.sandbox != nil {
		if err := w.m.config.Runtime.RemoveSandbox(ctx, w.sandbox.ID); err != nil {
			return err
		}
		w.sandbox = nil
		return nil
	}
	var errs []error
	for _, c := range w.containers {
		if c.previous != nil && c.previous.ID != "" {
			errs = append(errs, w.m.config.Runtime.RemoveContainer(ctx, c.previous.ID))
		}
	}
	return errors.Join(errs...)
}
