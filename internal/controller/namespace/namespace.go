// Package namespace finishes the deletion of namespaces: it deletes everything
// inside, kinds of custom resources included, says in the namespace's status
// what holds it up, and lets the namespace go when it is empty.
//
// Floor 2: a client of the API only.
package namespace

import (
	"context"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/metadata"

	"github.com/causeway-access/causeway/internal/controller"
)

const (
	workers = 4

	// What is left in a namespace is looked at again after a tenth of the time
	// that its deletion has taken, within these bounds.
	soonest = 50 * time.Millisecond
	latest  = 5 * time.Second
)

// Discovery says which kinds of namespaced resources the API server has.
type Discovery interface {
	ServerPreferredNamespacedResources() ([]*metav1.APIResourceList, error)
}

// Config is what this controller needs beside what all need.
type Config struct {
	// Metadata lists and deletes objects of any kind. Required.
	Metadata metadata.Interface

	// Discovery is asked at each deletion, so it should not cache for long.
	// Required.
	Discovery Discovery
}

type reconciler struct {
	client     kubernetes.Interface
	namespaces corelisters.NamespaceLister
	content    content
	loop       *controller.Loop[string]
}

// New makes the controller.
func New(config controller.Config, own Config) (controller.Controller, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	if own.Metadata == nil || own.Discovery == nil {
		return nil, fmt.Errorf("configuring controller namespace: metadata client and discovery are required")
	}
	namespaces := config.Informers.Core().V1().Namespaces()
	r := &reconciler{
		client:     config.Client,
		namespaces: namespaces.Lister(),
		content:    content{metadata: own.Metadata, discovery: own.Discovery},
	}
	r.loop = controller.NewLoop("namespace", workers, config.For("namespace"), r.reconcile)
	if err := controller.Watch(r.loop, namespaces.Informer(), deleting); err != nil {
		return nil, err
	}
	return r.loop, nil
}

func deleting(namespace *corev1.Namespace) []string {
	if namespace.DeletionTimestamp == nil || !held(namespace) {
		return nil
	}
	return []string{namespace.Name}
}

// held reports that the namespace waits for this controller.
func held(namespace *corev1.Namespace) bool {
	return slices.Contains(namespace.Spec.Finalizers, corev1.FinalizerKubernetes)
}

func (r *reconciler) reconcile(ctx context.Context, name string) error {
	namespace, err := r.namespaces.Get(name)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading namespace %s: %w", name, err)
	}
	if namespace.DeletionTimestamp == nil || !held(namespace) {
		return nil
	}
	found := r.content.delete(ctx, name)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if found.empty() {
		return r.finalize(ctx, name)
	}
	if err := r.report(ctx, name, found); err != nil {
		return err
	}
	if err := found.err(); err != nil {
		return fmt.Errorf("deleting the content of namespace %s: %w", name, err)
	}
	age := time.Since(namespace.DeletionTimestamp.Time)
	r.loop.AddAfter(name, min(max(age/10, soonest), latest))
	return nil
}

// finalize takes this controller's finalizer away, upon which the API server
// removes the namespace.
func (r *reconciler) finalize(ctx context.Context, name string) error {
	namespace, err := r.client.CoreV1().Namespaces().Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return controller.IgnoreGone(fmt.Errorf("reading namespace %s: %w", name, err))
	}
	if namespace.DeletionTimestamp == nil || !held(namespace) {
		return nil
	}
	namespace.Spec.Finalizers = slices.DeleteFunc(namespace.Spec.Finalizers, func(finalizer corev1.FinalizerName) bool {
		return finalizer == corev1.FinalizerKubernetes
	})
	if _, err := r.client.CoreV1().Namespaces().Finalize(ctx, namespace, metav1.UpdateOptions{}); err != nil {
		return controller.IgnoreGone(fmt.Errorf("finalizing namespace %s: %w", name, err))
	}
	return nil
}

// report writes into the namespace's status what is left and why.
func (r *reconciler) report(ctx context.Context, name string, found findings) error {
	namespace, err := r.client.CoreV1().Namespaces().Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return controller.IgnoreGone(fmt.Errorf("reading namespace %s: %w", name, err))
	}
	if namespace.DeletionTimestamp == nil {
		return nil
	}
	changed := namespace.Status.Phase != corev1.NamespaceTerminating
	namespace.Status.Phase = corev1.NamespaceTerminating
	for _, condition := range found.conditions() {
		changed = setCondition(&namespace.Status, condition) || changed
	}
	if !changed {
		return nil
	}
	if _, err := r.client.CoreV1().Namespaces().UpdateStatus(ctx, namespace, metav1.UpdateOptions{}); err != nil {
		return controller.IgnoreGone(fmt.Errorf("writing the status of namespace %s: %w", name, err))
	}
	return nil
}
