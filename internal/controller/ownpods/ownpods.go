// Package ownpods is what the controllers that make pods have in common: how a
// pod is made for an owner and deleted again, what was written and not seen yet,
// and which pods are the first to go.
//
// Floor 2: a client of the API only.
package ownpods

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/record"
	"k8s.io/utils/ptr"

	"github.com/causeway-access/causeway/internal/controller"
)

// Owner is an object that controls pods.
type Owner interface {
	metav1.Object
	runtime.Object
}

// Maker makes and deletes the pods of the owners of one kind.
type Maker struct {
	Client kubernetes.Interface
	// Events tells of each pod made and deleted.
	Events record.EventRecorder
	// Kind is the owners'.
	Kind schema.GroupVersionKind
	// Writes notes what was written.
	Writes *Writes
}

// Create makes a pod for an owner: it gets its namespace and a reference.
func (m *Maker) Create(ctx context.Context, owner Owner, pod *corev1.Pod) error {
	pod.Namespace = owner.GetNamespace()
	pod.OwnerReferences = []metav1.OwnerReference{*metav1.NewControllerRef(owner, m.Kind)}
	made, err := m.Client.CoreV1().Pods(pod.Namespace).Create(ctx, pod, metav1.CreateOptions{})
	if apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause) {
		return err // nobody is told of it
	}
	if err != nil {
		return m.failed(owner, "FailedCreate", fmt.Errorf("creating a pod: %w", err), "Error creating: %v", err)
	}
	m.Writes.Created(cache.MetaObjectToName(owner), made)
	m.Events.Eventf(owner, corev1.EventTypeNormal, "SuccessfulCreate", "Created pod: %v", made.Name)
	return nil
}

// Delete asks a pod to go; that it is gone already is no error.
func (m *Maker) Delete(ctx context.Context, owner Owner, pod *corev1.Pod) error {
	err := m.Client.CoreV1().Pods(pod.Namespace).Delete(ctx, pod.Name, metav1.DeleteOptions{
		Preconditions: &metav1.Preconditions{UID: ptr.To(pod.UID)},
	})
	gone := apierrors.IsNotFound(err) || apierrors.IsConflict(err)
	if err != nil && !gone {
		return m.failed(owner, "FailedDelete", fmt.Errorf("deleting pod %s: %w", pod.Name, err), "Error deleting: %v", err)
	}
	m.Writes.Deleted(cache.MetaObjectToName(owner), pod)
	if !gone {
		m.Events.Eventf(owner, corev1.EventTypeNormal, "SuccessfulDelete", "Deleted pod: %v", pod.Name)
	}
	return nil
}

func (m *Maker) failed(owner Owner, reason string, err error, message string, said error) error {
	m.Events.Eventf(owner, corev1.EventTypeWarning, reason, message, said)
	return &Error{Reason: reason, Err: err}
}

// Claim finds the pods of an owner; fresh reads the owner past all caches.
func (m *Maker) Claim(owner Owner, selector labels.Selector, fresh func(ctx context.Context) (metav1.Object, error)) controller.Claim[*corev1.Pod] {
	return controller.Claim[*corev1.Pod]{
		Owner: owner, Kind: m.Kind, Selector: selector, Fresh: fresh,
		Patch: func(ctx context.Context, pod *corev1.Pod, patch []byte) error {
			_, err := m.Client.CoreV1().Pods(pod.Namespace).Patch(ctx, pod.Name, controller.StrategicMerge, patch, metav1.PatchOptions{})
			return err
		},
	}
}

// KeysOf is the owner of the maker's kind that a pod names, or if it names none,
// those that would adopt it.
func (m *Maker) KeysOf(pod *corev1.Pod, adopters func(pod *corev1.Pod) []cache.ObjectName) []cache.ObjectName {
	ref := metav1.GetControllerOf(pod)
	if ref == nil {
		return adopters(pod)
	}
	if ref.Kind != m.Kind.Kind || ref.APIVersion != m.Kind.GroupVersion().String() {
		return nil
	}
	return []cache.ObjectName{cache.NewObjectName(pod.Namespace, ref.Name)}
}

// Error is a failure to make or delete pods.
type Error struct {
	// Reason is the reason of the event, and of a condition that tells of it.
	Reason string
	Err    error
}

// Error implements error.
func (e *Error) Error() string { return e.Err.Error() }

// Unwrap gives what was being done, and what the API server said.
func (e *Error) Unwrap() error { return e.Err }
