package resources

import (
	"context"
	"fmt"
	"maps"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apiserver/pkg/registry/rest"

	"github.com/causeway-access/causeway/internal/apiserver/registry"
	"github.com/causeway-access/causeway/internal/apiserver/validation"
)

var bindingResource = schema.GroupResource{Resource: "pods/binding"}

// bindingREST gives a pod its node, once.
type bindingREST struct{ pods *registry.REST }

var _ rest.NamedCreater = &bindingREST{}

// New implements [rest.Storage].
func (*bindingREST) New() runtime.Object { return &corev1.Binding{} }

// Destroy implements [rest.Storage].
func (*bindingREST) Destroy() {}

// Create implements [rest.NamedCreater].
func (r *bindingREST) Create(ctx context.Context, name string, obj runtime.Object, validate rest.ValidateObjectFunc, options *metav1.CreateOptions) (runtime.Object, error) {
	binding := obj.(*corev1.Binding)
	if binding.Name != name {
		return nil, apierrors.NewBadRequest("name in URL does not match name in Binding object")
	}
	if errs := validation.For(bindingResource).Create(binding); len(errs) > 0 {
		return nil, apierrors.NewInvalid(coreV1.WithKind("Binding").GroupKind(), name, errs)
	}
	if validate != nil {
		if err := validate(ctx, binding.DeepCopyObject()); err != nil {
			return nil, err
		}
	}
	err := change(ctx, r.pods, name, binding.UID, options.DryRun, func(p *corev1.Pod) error { return assign(p, binding) })
	if err != nil {
		return nil, err
	}
	return &metav1.Status{Status: metav1.StatusSuccess}, nil
}

func assign(p *corev1.Pod, binding *corev1.Binding) error {
	conflict := func(format string, args ...any) error {
		return apierrors.NewConflict(bindingResource, p.Name, fmt.Errorf(format, args...))
	}
	switch {
	case p.DeletionTimestamp != nil:
		return conflict("pod %s is being deleted, cannot be assigned to a host", p.Name)
	case p.Spec.NodeName != "":
		return conflict("pod %v is already assigned to node %q", p.Name, p.Spec.NodeName)
	case len(p.Spec.SchedulingGates) > 0:
		return conflict("pod %v has non-empty .spec.schedulingGates", p.Name)
	}
	p.Spec.NodeName = binding.Target.Name
	if p.Annotations == nil && len(binding.Annotations) > 0 {
		p.Annotations = map[string]string{}
	}
	maps.Copy(p.Annotations, binding.Annotations)
	setCondition(p, corev1.PodCondition{Type: corev1.PodScheduled, Status: corev1.ConditionTrue})
	return nil
}

func setCondition(p *corev1.Pod, c corev1.PodCondition) {
	c.LastTransitionTime = metav1.Now()
	for i := range p.Status.Conditions {
		if p.Status.Conditions[i].Type == c.Type {
			p.Status.Conditions[i] = c
			return
		}
	}
	p.Status.Conditions = append(p.Status.Conditions, c)
}

// change rewrites a stored pod in one transaction. It goes around the
// strategy, which would take back what only these subresources may write.
func change(ctx context.Context, pods *registry.REST, name string, uid types.UID, dryRun []string, rewrite func(*corev1.Pod) error) error {
	return pods.Rewrite(ctx, name, uid, dryRun, func(obj runtime.Object) error { return rewrite(obj.(*corev1.Pod)) })
}

// legacyBindingREST takes bindings at the collection of the namespace, as
// schedulers of before 1.0 sent them.
type legacyBindingREST struct{ *bindingREST }

var (
	_ rest.Creater = &legacyBindingREST{}
	_ rest.Scoper  = &legacyBindingREST{}
)

// NamespaceScoped implements [rest.Scoper].
func (*legacyBindingREST) NamespaceScoped() bool { return true }

// GetSingularName implements [rest.SingularNameProvider].
func (*legacyBindingREST) GetSingularName() string { return "binding" }

// Create implements [rest.Creater].
func (r *legacyBindingREST) Create(ctx context.Context, obj runtime.Object, validate rest.ValidateObjectFunc, options *metav1.CreateOptions) (runtime.Object, error) {
	return r.bindingREST.Create(ctx, obj.(*corev1.Binding).Name, obj, validate, options)
}
