package pods

import (
	"context"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"

	"github.com/causeway-access/causeway/internal/node/probe"
)

// The least time that a container has: after its hook if it had any at all,
// and when its pod was deleted by force, which the API does not wait for.
const (
	leastGrace = 2 * time.Second
	usualGrace = 30 * time.Second
)

// stopping is the end of a container that has been asked for.
type stopping struct {
	until  time.Time
	cancel context.CancelFunc
}

// graceOf is what the pod's containers have to end, if nobody says otherwise.
func (w *worker) graceOf() time.Duration {
	return time.Duration(ptr.Deref(w.pod.Spec.TerminationGracePeriodSeconds, int64(usualGrace/time.Second))) * time.Second
}

// stop asks a container to end, and kills it after grace. It is asked again if
// it is to have less than it was given before. Its end is heard of as any.
func (w *worker) stop(c *container, grace time.Duration, why string) {
	until := time.Now().Add(grace)
	hook := c.stop == nil
	if c.stop != nil {
		if c.stop.until.Sub(until) < time.Second/2 {
			return // that is how long rounds differ by, not what somebody has asked for
		}
		c.stop.cancel()
	}
	if hook {
		w.normal(c, reasonKilling, "%s", why)
	}
	ctx, cancel := context.WithCancel(w.life)
	c.stop = &stopping{until: until, cancel: cancel}
	pod, spec, id, path, target := w.pod, c.spec, c.current.ID, c.path(), w.targetOf(c)
	w.m.running.Go(func() {
		defer cancel()
		if hook && grace > 0 && spec.Lifecycle != nil && spec.Lifecycle.PreStop != nil {
			within, done := context.WithTimeout(ctx, grace)
			err := probe.Hook(within, target, *spec.Lifecycle.PreStop)
			done()
			if err != nil && ctx.Err() == nil {
				w.m.event(pod, path, corev1.EventTypeWarning, "FailedPreStopHook", "PreStopHook failed: %v", err)
			}
			grace = max(time.Until(until), min(grace, leastGrace))
		}
		for ctx.Err() == nil {
			err := w.m.config.Runtime.StopContainer(ctx, id, grace)
			if err == nil {
				return
			}
			if ctx.Err() == nil {
				w.m.event(pod, path, corev1.EventTypeWarning, reasonFailedPod, "error killing container %s: %v", spec.Name, err)
				_ = sleep(ctx, time.Second)
			}
		}
	})
}

// stopAll asks all containers to end, side-cars after the others and the last
// of them first, and says whether any still runs. grace is for all together.
func (w *worker) stopAll(grace time.Duration) (running bool) {
	if w.halt.IsZero() || grace < w.grace {
		halt := time.Now().Add(grace)
		if w.halt.IsZero() || halt.Before(w.halt) {
			w.halt = halt
		}
		w.grace = grace
	}
	left := max(time.Until(w.halt), 0)
	for _, c := range w.of(setup, ordinary, ephemeral) {
		if c.running() {
			running = true
			w.stop(c, left, "Stopping container "+c.spec.Name)
		}
	}
	if running {
		return true
	}
	sidecars := w.of(sidecar)
	for i := len(sidecars) - 1; i >= 0; i-- {
		if c := sidecars[i]; c.running() {
			w.stop(c, max(left, min(grace, leastGrace)), "Stopping container "+c.spec.Name)
			return true
		}
	}
	return false
}
