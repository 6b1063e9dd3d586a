package resources

import (
	"context"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/registry/rest"

	"github.com/causeway-access/causeway/internal/apiserver/printers"
	"github.com/causeway-access/causeway/internal/apiserver/registry"
	"github.com/causeway-access/causeway/internal/apiserver/validation"
)

// addScalable puts a resource with a status and a scale into s.
func (b *builder) addScalable(s served, r *registry.Resource) {
	store := b.rest(r)
	if b.err != nil {
		return
	}
	s[r.Plural] = store
	s[r.Plural+"/status"] = store.Status()
	s[r.Plural+"/scale"] = &scaleREST{store}
}

// scaleREST shows a controller of any kind as a Scale, so that one command
// scales them all.
type scaleREST struct{ controllers *registry.REST }

var (
	_ rest.Patcher                  = &scaleREST{}
	_ rest.GroupVersionKindProvider = &scaleREST{}
)

// New implements [rest.Storage].
func (*scaleREST) New() runtime.Object { return &autoscalingv1.Scale{} }

// Destroy implements [rest.Storage].
func (*scaleREST) Destroy() {}

// GroupVersionKind implements [rest.GroupVersionKindProvider].
func (*scaleREST) GroupVersionKind(schema.GroupVersion) schema.GroupVersionKind {
	return autoscalingv1.SchemeGroupVersion.WithKind("Scale")
}

// Get implements [rest.Getter].
func (r *scaleREST) Get(ctx context.Context, name string, options *metav1.GetOptions) (runtime.Object, error) {
	obj, err := r.controllers.Get(ctx, name, options)
	if err != nil {
		return nil, err
	}
	return scaleOf(obj), nil
}

// Update implements [rest.Updater].
func (r *scaleREST) Update(ctx context.Context, name string, info rest.UpdatedObjectInfo, _ rest.ValidateObjectFunc, validate rest.ValidateObjectUpdateFunc, _ bool, options *metav1.UpdateOptions) (runtime.Object, bool, error) {
	admit := func(ctx context.Context, obj, old runtime.Object) error {
		if validate == nil {
			return nil
		}
		return validate(ctx, scaleOf(obj), scaleOf(old))
	}
	obj, _, err := r.controllers.Update(ctx, name, &scaledObject{info}, nil, admit, false, options)
	if err != nil {
		return nil, false, err
	}
	return scaleOf(obj), false, nil
}

// ConvertToTable implements [rest.TableConvertor].
func (r *scaleREST) ConvertToTable(ctx context.Context, obj, options runtime.Object) (*metav1.Table, error) {
	return printers.TableConvertor(schema.GroupResource{Group: autoscalingv1.GroupName, Resource: "scales"}).ConvertToTable(ctx, obj, options)
}

// scaleOf is the Scale of a controller of pods.
func scaleOf(obj runtime.Object) *autoscalingv1.Scale {
	switch c := obj.(type) {
	case *corev1.ReplicationController:
		return newScale(&c.ObjectMeta, c.Spec.Replicas, c.Status.Replicas, labels.SelectorFromSet(c.Spec.Selector).String())
	case *appsv1.ReplicaSet:
		return newScale(&c.ObjectMeta, c.Spec.Replicas, c.Status.Replicas, metav1.FormatLabelSelector(c.Spec.Selector))
	case *appsv1.Deployment:
		return newScale(&c.ObjectMeta, c.Spec.Replicas, c.Status.Replicas, metav1.FormatLabelSelector(c.Spec.Selector))
	}
	panic("a scale is served for a kind that has no replicas")
}

// scaleTo sets how many pods a controller is to keep.
func scaleTo(obj runtime.Object, replicas *int32) {
	switch c := obj.(type) {
	case *corev1.ReplicationController:
		c.Spec.Replicas = replicas
	case *appsv1.ReplicaSet:
		c.Spec.Replicas = replicas
	case *appsv1.Deployment:
		c.Spec.Replicas = replicas
	}
}

func newScale(m *metav1.ObjectMeta, wanted *int32, has int32, selector string) *autoscalingv1.Scale {
	var replicas int32
	if wanted != nil {
		replicas = *wanted
	}
	return &autoscalingv1.Scale{
		ObjectMeta: metav1.ObjectMeta{
			Name: m.Name, Namespace: m.Namespace, UID: m.UID,
			ResourceVersion: m.ResourceVersion, CreationTimestamp: m.CreationTimestamp,
		},
		Spec:   autoscalingv1.ScaleSpec{Replicas: replicas},
		Status: autoscalingv1.ScaleStatus{Replicas: has, Selector: selector},
	}
}

// scaledObject turns an update of a Scale into one of its controller.
type scaledObject struct{ scale rest.UpdatedObjectInfo }

// Preconditions implements [rest.UpdatedObjectInfo].
func (u *scaledObject) Preconditions() *metav1.Preconditions { return u.scale.Preconditions() }

// UpdatedObject implements [rest.UpdatedObjectInfo].
func (u *scaledObject) UpdatedObject(ctx context.Context, old runtime.Object) (runtime.Object, error) {
	controller := old.DeepCopyObject()
	current := scaleOf(controller)
	obj, err := u.scale.UpdatedObject(ctx, current)
	if err != nil {
		return nil, err
	}
	wanted, ok := obj.(*autoscalingv1.Scale)
	if !ok {
		return nil, apierrors.NewBadRequest("expected an object of kind Scale")
	}
	if errs := validation.Scale(wanted); len(errs) > 0 {
		return nil, apierrors.NewInvalid(autoscalingv1.SchemeGroupVersion.WithKind("Scale").GroupKind(), current.Name, errs)
	}
	controller.(metav1.Object).SetResourceVersion(wanted.ResourceVersion)
	scaleTo(controller, &wanted.Spec.Replicas)
	return controller, nil
}
