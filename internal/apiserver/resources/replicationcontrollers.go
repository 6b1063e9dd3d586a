package resources

import (
	"context"
	"strconv"

	autoscalingv1 "k8s.io/api/autoscaling/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/registry/rest"

	"github.com/causeway-access/causeway/internal/apiserver/printers"
	"github.com/causeway-access/causeway/internal/apiserver/registry"
	"github.com/causeway-access/causeway/internal/apiserver/validation"
)

func replicationControllers() *registry.Resource {
	r := registry.Define[corev1.ReplicationController, corev1.ReplicationControllerList](coreV1, "ReplicationController", "replicationcontrollers", "replicationcontroller")
	r.Short, r.Categories, r.Status, r.Generation = []string{"rc"}, all, true, true
	r.Fields = func(o runtime.Object) fields.Set {
		return fields.Set{"status.replicas": strconv.Itoa(int(o.(*corev1.ReplicationController).Status.Replicas))}
	}
	return r
}

func (b *builder) addReplicationControllers(s served) {
	store := b.rest(replicationControllers())
	if b.err != nil {
		return
	}
	s["replicationcontrollers"] = store
	s["replicationcontrollers/status"] = store.Status()
	s["replicationcontrollers/scale"] = &scaleREST{store}
}

// scaleREST shows a replication controller as a Scale, so that one command
// scales any kind.
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
	return scaleOf(obj.(*corev1.ReplicationController)), nil
}

// Update implements [rest.Updater].
func (r *scaleREST) Update(ctx context.Context, name string, info rest.UpdatedObjectInfo, _ rest.ValidateObjectFunc, validate rest.ValidateObjectUpdateFunc, _ bool, options *metav1.UpdateOptions) (runtime.Object, bool, error) {
	admit := func(ctx context.Context, obj, old runtime.Object) error {
		if validate == nil {
			return nil
		}
		return validate(ctx, scaleOf(obj.(*corev1.ReplicationController)), scaleOf(old.(*corev1.ReplicationController)))
	}
	obj, _, err := r.controllers.Update(ctx, name, &scaledObject{info}, nil, admit, false, options)
	if err != nil {
		return nil, false, err
	}
	return scaleOf(obj.(*corev1.ReplicationController)), false, nil
}

// ConvertToTable implements [rest.TableConvertor].
func (r *scaleREST) ConvertToTable(ctx context.Context, obj, options runtime.Object) (*metav1.Table, error) {
	return printers.TableConvertor(schema.GroupResource{Group: autoscalingv1.GroupName, Resource: "scales"}).ConvertToTable(ctx, obj, options)
}

func scaleOf(c *corev1.ReplicationController) *autoscalingv1.Scale {
	var replicas int32
	if c.Spec.Replicas != nil {
		replicas = *c.Spec.Replicas
	}
	return &autoscalingv1.Scale{
		ObjectMeta: metav1.ObjectMeta{
			Name: c.Name, Namespace: c.Namespace, UID: c.UID,
			ResourceVersion: c.ResourceVersion, CreationTimestamp: c.CreationTimestamp,
		},
		Spec:   autoscalingv1.ScaleSpec{Replicas: replicas},
		Status: autoscalingv1.ScaleStatus{Replicas: c.Status.Replicas, Selector: labels.SelectorFromSet(c.Spec.Selector).String()},
	}
}

// scaledObject turns an update of a Scale into one of its controller.
type scaledObject struct{ scale rest.UpdatedObjectInfo }

// Preconditions implements [rest.UpdatedObjectInfo].
func (u *scaledObject) Preconditions() *metav1.Preconditions { return u.scale.Preconditions() }

// UpdatedObject implements [rest.UpdatedObjectInfo].
func (u *scaledObject) UpdatedObject(ctx context.Context, old runtime.Object) (runtime.Object, error) {
	controller := old.(*corev1.ReplicationController).DeepCopy()
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
		return nil, apierrors.NewInvalid(autoscalingv1.SchemeGroupVersion.WithKind("Scale").GroupKind(), controller.Name, errs)
	}
	controller.ResourceVersion = wanted.ResourceVersion
	controller.Spec.Replicas = &wanted.Spec.Replicas
	return controller, nil
}
