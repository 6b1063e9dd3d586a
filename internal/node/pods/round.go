package pods

import (
	"context"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/causeway-access/causeway/internal/node/podspec"
)

// round does what is next for the pod.
func (w *worker) round(ctx context.Context) {
	w.expire()
	w.leadPorts()
	switch {
	case w.gone, w.pod.DeletionTimestamp != nil:
		w.terminate(ctx)
	case w.ended != "", w.verdict.reason != "":
		w.finish(ctx)
	default:
		ctx, cancel := w.doing(ctx)
		defer cancel()
		w.advance(ctx)
	}
}

// expire ends a pod that has had the time it was given.
func (w *worker) expire() {
	limit := w.pod.Spec.ActiveDeadlineSeconds
	if limit == nil || w.ended != "" || w.status == nil || w.status.StartTime == nil {
		return
	}
	left := time.Until(w.status.StartTime.Add(time.Duration(*limit) * time.Second))
	if left > 0 {
		w.after(left)
		return
	}
	if w.verdict.reason == "" {
		w.verdict = verdict{reason: "DeadlineExceeded", message: "Pod was active on the node longer than the specified deadline"}
		w.normal(nil, "DeadlineExceeded", "%s", w.verdict.message)
	}
}

// advance starts what is to run.
func (w *worker) advance(ctx context.Context) {
	if !w.enter() {
		w.finish(ctx)
		return
	}
	if !w.announced {
		w.announced = true
		w.publish() // the node has seen it
		for _, text := range podspec.Unsupported(w.pod) {
			w.warning(nil, reasonUnsupported, "%s", text)
		}
	}
	if w.plan().over {
		w.finish(ctx)
		return
	}
	if !w.prepare(ctx) {
		return
	}
	w.replaceChanged()
	for _, c := range w.plan().start {
		if !w.start(ctx, c) {
			return
		}
	}
}

// replaceChanged ends containers of which another image is wanted now.
func (w *worker) replaceChanged() {
	for _, c := range w.of(setup, sidecar, ordinary) {
		if c.running() && c.current.Config.Image != c.spec.Image {
			w.stop(c, w.graceOf(), fmt.Sprintf("Container %s definition changed, will be restarted", c.spec.Name))
		}
	}
}

// plan is what is next.
type plan struct {
	// start are the containers to be started, in their order.
	start []*container
	// over: all that should run has run.
	over bool
}

// plan says what is next, from what is known. Init containers come one after
// the other, side-cars among them; then all others at once.
func (w *worker) plan() plan {
	if w.isOver() {
		return plan{over: true}
	}
	var p plan
	for _, c := range w.of(ephemeral) {
		if c.current == nil {
			p.start = append(p.start, c)
		}
	}
	policy := w.pod.Spec.RestartPolicy
	initialized := w.initialized()
	for _, c := range w.of(setup, sidecar) {
		switch {
		case c.kind == sidecar:
			if !c.running() {
				p.start = append(p.start, c)
			}
			if !initialized && !c.started {
				return p
			}
		case initialized, c.in(w.sandbox) && c.exited() && c.current.ExitCode == 0:
		case c.in(w.sandbox) && c.running():
			return p
		case c.in(w.sandbox) && c.exited() && !c.restarts(policy):
			return plan{over: true}
		default:
			p.start = append(p.start, c)
			return p
		}
	}
	for _, c := range w.of(ordinary) {
		if c.current == nil || c.exited() && w.wanted(c) {
			p.start = append(p.start, c)
		}
	}
	return p
}

// wanted says whether a container that has ended is to run again: for its
// policy, or because its image is another now.
func (w *worker) wanted(c *container) bool {
	return c.restarts(w.pod.Spec.RestartPolicy) || c.current.Config.Image != "" && c.current.Config.Image != c.spec.Image
}

// isOver says that no ordinary container will run again. A pod that is never
// to be restarted does not get a second sandbox either.
func (w *worker) isOver() bool {
	if w.sandbox == nil && w.pod.Spec.RestartPolicy == corev1.RestartPolicyNever {
		return slices.ContainsFunc(w.containers, func(c *container) bool { return c.current != nil })
	}
	return !slices.ContainsFunc(w.of(ordinary), func(c *container) bool { return !c.exited() || w.wanted(c) })
}

// initialized says that the sandbox has got as far as to ordinary containers.
func (w *worker) initialized() bool {
	return slices.ContainsFunc(w.of(ordinary), func(c *container) bool { return c.in(w.sandbox) })
}
