package resources

import (
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/apiserver/pkg/storage"
	storeerr "k8s.io/apiserver/pkg/storage/errors"
	"k8s.io/apiserver/pkg/util/dryrun"

	"github.com/causeway-access/causeway/internal/apiserver/registry"
	"github.com/causeway-access/causeway/internal/apiserver/validation"
)

func namespaces() *registry.Resource {
	r := registry.Define[corev1.Namespace, corev1.NamespaceList](coreV1, "Namespace", "namespaces", "namespace")
	r.Namespaced, r.Short, r.Status = false, []string{"ns"}, true
	r.Fields = func(o runtime.Object) fields.Set {
		n := o.(*corev1.Namespace)
		return fields.Set{"status.phase": string(n.Status.Phase), "name": n.Name}
	}
	r.PrepareCreate = func(_ context.Context, o runtime.Object) {
		n := o.(*corev1.Namespace)
		n.Status.Phase = corev1.NamespaceActive
		if !slices.Contains(n.Spec.Finalizers, corev1.FinalizerKubernetes) {
			n.Spec.Finalizers = append(n.Spec.Finalizers, corev1.FinalizerKubernetes)
		}
		labelWithName(n)
	}
	r.PrepareUpdate = func(_ context.Context, o, old runtime.Object) {
		n := o.(*corev1.Namespace)
		n.Spec.Finalizers = old.(*corev1.Namespace).Spec.Finalizers
		labelWithName(n)
	}
	return r
}

// labelWithName lets selectors find a namespace by its name (KEP-2161).
func labelWithName(n *corev1.Namespace) {
	if n.Labels == nil {
		n.Labels = map[string]string{}
	}
	if n.Name != "" {
		n.Labels[corev1.LabelMetadataName] = n.Name
	}
}

func (b *builder) addNamespaces(s served) {
	store := b.rest(namespaces())
	if b.err != nil {
		return
	}
	store.ShouldDeleteDuringUpdate = func(_ context.Context, _ string, obj, _ runtime.Object) bool {
		n := obj.(*corev1.Namespace)
		return n.DeletionTimestamp != nil && len(n.Spec.Finalizers) == 0 && len(n.Finalizers) == 0
	}
	s["namespaces"] = &namespaceREST{namespaceStore: store, store: store}
	s["namespaces/status"] = store.Status()
	s["namespaces/finalize"] = store.View(registry.ViewConfig{
		Prepare: func(_ context.Context, obj, old runtime.Object) {
			obj.(*corev1.Namespace).Status = old.(*corev1.Namespace).Status
		},
		Validate: on(validation.NamespaceFinalizeUpdate),
		Resets:   "status",
	})
}

// namespaceREST deletes in two steps: the first call marks the namespace as
// terminating, and it goes when its finalizers are gone.
type namespaceREST struct {
	namespaceStore
	store *registry.REST
}

// namespaceStore is what namespaces share with other resources: all but the
// deletion of the whole collection, which nobody is offered.
type namespaceStore interface {
	rest.Storage
	rest.Scoper
	rest.Getter
	rest.Lister
	rest.CreaterUpdater
	rest.Watcher
	rest.ShortNamesProvider
	rest.SingularNameProvider
	rest.ResetFieldsStrategy
}

var _ rest.GracefulDeleter = &namespaceREST{}

var namespaceResource = schema.GroupResource{Resource: "namespaces"}

// Delete implements [rest.GracefulDeleter].
func (r *namespaceREST) Delete(ctx context.Context, name string, validate rest.ValidateObjectFunc, options *metav1.DeleteOptions) (runtime.Object, bool, error) {
	obj, err := r.Get(ctx, name, &metav1.GetOptions{})
	if err != nil {
		return nil, false, err
	}
	ns := obj.(*corev1.Namespace)
	if err := checkPreconditions(ns, options); err != nil {
		return nil, false, err
	}
	if ns.DeletionTimestamp.IsZero() {
		out, err := r.terminate(ctx, ns, validate, options)
		return out, false, err
	}
	if len(ns.Spec.Finalizers) != 0 {
		return ns, false, nil
	}
	return r.store.Delete(ctx, name, validate, options)
}

// terminate marks the namespace and leaves the rest to the controllers.
func (r *namespaceREST) terminate(ctx context.Context, ns *corev1.Namespace, validate rest.ValidateObjectFunc, options *metav1.DeleteOptions) (runtime.Object, error) {
	key, err := r.store.KeyFunc(ctx, ns.Name)
	if err != nil {
		return nil, err
	}
	out := r.store.New()
	mark := func(current runtime.Object) (runtime.Object, error) {
		n := current.(*corev1.Namespace)
		if validate != nil {
			if err := validate(ctx, n); err != nil {
				return nil, err
			}
		}
		if n.DeletionTimestamp.IsZero() {
			now := metav1.Now()
			n.DeletionTimestamp = &now
		}
		n.Status.Phase = corev1.NamespaceTerminating
		addPropagationFinalizer(n, options)
		return n, nil
	}
	err = r.store.Storage.GuaranteedUpdate(ctx, key, out, false, &storage.Preconditions{UID: &ns.UID}, storage.SimpleUpdate(mark), dryrun.IsDryRun(options.DryRun), nil)
	if err != nil {
		return nil, storeerr.InterpretUpdateError(err, namespaceResource, ns.Name)
	}
	return out, nil
}

// addPropagationFinalizer asks the garbage collector for what the caller
// asked of the deletion.
func addPropagationFinalizer(n *corev1.Namespace, options *metav1.DeleteOptions) {
	finalizer := ""
	switch {
	case options.OrphanDependents != nil && *options.OrphanDependents:
		finalizer = metav1.FinalizerOrphanDependents
	case options.PropagationPolicy == nil:
	case *options.PropagationPolicy == metav1.DeletePropagationOrphan:
		finalizer = metav1.FinalizerOrphanDependents
	case *options.PropagationPolicy == metav1.DeletePropagationForeground:
		finalizer = metav1.FinalizerDeleteDependents
	}
	if finalizer != "" && !slices.Contains(n.Finalizers, finalizer) {
		n.Finalizers = append(n.Finalizers, finalizer)
	}
}

func checkPreconditions(ns *corev1.Namespace, options *metav1.DeleteOptions) error {
	p := options.Preconditions
	if p == nil {
		return nil
	}
	if p.UID != nil && *p.UID != ns.UID {
		return apierrors.NewConflict(namespaceResource, ns.Name, fmt.Errorf("Precondition failed: UID in precondition: %v, UID in object meta: %v", *p.UID, ns.UID))
	}
	if p.ResourceVersion != nil && *p.ResourceVersion != ns.ResourceVersion {
		return apierrors.NewConflict(namespaceResource, ns.Name, fmt.Errorf("Precondition failed: ResourceVersion in precondition: %v, ResourceVersion in object meta: %v", *p.ResourceVersion, ns.ResourceVersion))
	}
	return nil
}
