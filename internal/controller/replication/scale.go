package replication

import (
	"context"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/utils/ptr"
)

const (
	// atOnce bounds the pods made or deleted before an owner is looked at again.
	atOnce = 500
	// parallel is how many requests are under way for an owner.
	parallel = 16
)

// scaleError is a failure to make or delete pods.
type scaleError struct {
	reason string // of the condition and of the event
	err    error
}

func (e *scaleError) Error() string { return e.err.Error() }

// Unwrap gives what the API server said.
func (e *scaleError) Unwrap() error { return e.err }

// scale makes the pods that are missing, or deletes those that are too many.
func (r *replicator) scale(ctx context.Context, key cache.ObjectName, owner *Owner, pods []*corev1.Pod) error {
	switch missing := owner.Replicas - len(pods); {
	case missing > 0:
		return r.createAll(ctx, key, owner, min(missing, atOnce))
	case missing < 0:
		victims := byWorth(pods)[:min(-missing, atOnce)]
		return inParallel(victims, func(pod *corev1.Pod) error { return r.delete(ctx, key, owner, pod) })
	}
	return nil
}

// createAll makes n pods in batches that double: if the API server refuses the
// first, as for a quota, it is not asked for the others.
func (r *replicator) createAll(ctx context.Context, key cache.ObjectName, owner *Owner, n int) error {
	for batch := 1; n > 0; batch *= 2 {
		size := min(batch, n)
		if err := inParallel(make([]struct{}, size), func(struct{}) error { return r.create(ctx, key, owner) }); err != nil {
			return err
		}
		n -= size
	}
	return nil
}

func inParallel[T any](items []T, do func(T) error) error {
	var work errgroup.Group
	work.SetLimit(parallel)
	for _, item := range items {
		work.Go(func() error { return do(item) })
	}
	return work.Wait()
}

func (r *replicator) create(ctx context.Context, key cache.ObjectName, owner *Owner) error {
	template := owner.Template.DeepCopy()
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			GenerateName: owner.Meta.GetName() + "-", Namespace: owner.Meta.GetNamespace(),
			Labels: template.Labels, Annotations: template.Annotations, Finalizers: slices.Clone(template.Finalizers),
			OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(owner.Meta, r.names.Kind)},
		},
		Spec: template.Spec,
	}
	made, err := r.client.CoreV1().Pods(pod.Namespace).Create(ctx, pod, metav1.CreateOptions{})
	if apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause) {
		return err // nobody is told of it
	}
	if err != nil {
		return r.failed(owner, "FailedCreate", fmt.Errorf("creating a pod: %w", err), "Error creating: %v", err)
	}
	r.writes.created(key, made)
	r.events.Eventf(owner.Object, corev1.EventTypeNormal, "SuccessfulCreate", "Created pod: %v", made.Name)
	return nil
}

func (r *replicator) delete(ctx context.Context, key cache.ObjectName, owner *Owner, pod *corev1.Pod) error {
	err := r.client.CoreV1().Pods(pod.Namespace).Delete(ctx, pod.Name, metav1.DeleteOptions{
		Preconditions: &metav1.Preconditions{UID: ptr.To(pod.UID)},
	})
	gone := apierrors.IsNotFound(err) || apierrors.IsConflict(err)
	if err != nil && !gone {
		return r.failed(owner, "FailedDelete", fmt.Errorf("deleting pod %s: %w", pod.Name, err), "Error deleting: %v", err)
	}
	r.writes.deleted(key, pod)
	if !gone {
		r.events.Eventf(owner.Object, corev1.EventTypeNormal, "SuccessfulDelete", "Deleted pod: %v", pod.Name)
	}
	return nil
}

func (r *replicator) failed(owner *Owner, reason string, err error, message string, said error) error {
	r.events.Eventf(owner.Object, corev1.EventTypeWarning, reason, message, said)
	return &scaleError{reason: reason, err: err}
}
