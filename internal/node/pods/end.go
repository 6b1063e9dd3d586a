package pods

import (
	"context"
	"errors"
	"net/netip"
	"os"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
)

// finish ends a pod that has run its course. It stays for its users to look
// at, with its logs, until it is deleted.
func (w *worker) finish(ctx context.Context) {
	grace := w.graceOf()
	if w.verdict.hurry {
		grace = min(grace, hurriedGrace)
	}
	if w.stopAll(grace) {
		return
	}
	w.conclude()
	w.clear(ctx)
}

// conclude decides how the pod has ended, once.
func (w *worker) conclude() {
	if w.ended != "" {
		return
	}
	w.ended = corev1.PodSucceeded
	failed := func(c *container) bool { return !c.exited() || c.current.ExitCode != 0 }
	if w.verdict.reason != "" || slices.ContainsFunc(w.of(ordinary), failed) {
		w.ended = corev1.PodFailed
	}
	w.publish()
}

// clear takes from a pod that has ended all that the node could need: its
// address, its control groups and volumes.
func (w *worker) clear(ctx context.Context) bool {
	if w.cleared {
		return true
	}
	w.leadPortsTo(netip.Addr{})
	err := w.removeOld(ctx)
	if w.sandbox != nil {
		err = errors.Join(err, w.m.config.Runtime.StopSandbox(ctx, w.sandbox.ID))
	}
	if err == nil {
		err = w.m.config.Volumes.Unmount(w.uid)
	}
	if err != nil {
		w.failed(ctx, reasonFailedPod, "error killing pod: %v", err)
		return false
	}
	w.cleared, w.volumes = true, nil
	w.m.claims.release(w.uid)
	if w.sandbox != nil {
		w.sandbox.Ready = false
	}
	return true
}

// terminate ends a pod that has been deleted, tells the API how it ended, and
// has it forgotten. When it is gone there, nothing of it is left here.
func (w *worker) terminate(ctx context.Context) {
	if w.stopAll(w.graceAtEnd()) {
		return
	}
	w.conclude()
	if !w.clear(ctx) {
		return
	}
	if !w.gone && !w.forget(ctx) {
		return
	}
	if err := w.remove(ctx); err != nil {
		w.failed(ctx, reasonFailedPod, "error removing pod: %v", err)
		return
	}
	w.done = w.gone
}

// graceAtEnd is what a pod has that was deleted. Of one that is gone already
// nobody has said how long it may take.
func (w *worker) graceAtEnd() time.Duration {
	if w.gone {
		return min(w.graceOf(), leastGrace)
	}
	seconds := ptr.Deref(w.pod.DeletionGracePeriodSeconds, int64(usualGrace/time.Second))
	return time.Duration(seconds) * time.Second
}

// forget writes the last status and deletes the pod; it says whether that has
// been done.
func (w *worker) forget(ctx context.Context) bool {
	w.publish()
	if w.deleted || !w.writer.settled() {
		return w.deleted
	}
	err := w.m.config.Client.CoreV1().Pods(w.pod.Namespace).Delete(ctx, w.pod.Name, metav1.DeleteOptions{
		GracePeriodSeconds: ptr.To[int64](0), Preconditions: metav1.NewUIDPreconditions(string(w.uid)),
	})
	if err != nil && !apierrors.IsNotFound(err) && !apierrors.IsConflict(err) {
		return w.failed(ctx, reasonFailedPod, "error deleting pod: %v", err)
	}
	w.deleted = true
	return true
}

// remove removes what was kept for looking at.
func (w *worker) remove(ctx context.Context) error {
	if w.sandbox != nil {
		if err := w.m.config.Runtime.RemoveSandbox(ctx, w.sandbox.ID); err != nil {
			return err
		}
		w.sandbox = nil
	}
	return errors.Join(os.RemoveAll(w.dir()), os.RemoveAll(w.logDir()))
}
