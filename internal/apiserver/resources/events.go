package resources

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/registry/rest"

	"github.com/causeway-access/causeway/internal/apiserver/registry"
	"github.com/causeway-access/causeway/internal/apiserver/scheme"
	"github.com/causeway-access/causeway/internal/apiserver/validation"
)

// eventLifetime is how long events are kept, in seconds: an hour, as in Kubernetes.
const eventLifetime = 3600

func events() *registry.Resource {
	r := registry.Define[corev1.Event, corev1.EventList](coreV1, "Event", "events", "event")
	r.Short, r.CreateOnUpdate, r.TTL = []string{"ev"}, true, eventLifetime
	r.Fields = func(o runtime.Object) fields.Set {
		e := o.(*corev1.Event)
		source := e.Source.Component
		if source == "" {
			source = e.ReportingController
		}
		return fields.Set{
			"involvedObject.kind":            e.InvolvedObject.Kind,
			"involvedObject.namespace":       e.InvolvedObject.Namespace,
			"involvedObject.name":            e.InvolvedObject.Name,
			"involvedObject.uid":             string(e.InvolvedObject.UID),
			"involvedObject.apiVersion":      e.InvolvedObject.APIVersion,
			"involvedObject.resourceVersion": e.InvolvedObject.ResourceVersion,
			"involvedObject.fieldPath":       e.InvolvedObject.FieldPath,
			"reason":                         e.Reason,
			"reportingComponent":             e.ReportingController,
			"source":                         source,
			"type":                           e.Type,
		}
	}
	return r
}

// newEvents serves the events of core/v1 as events.k8s.io, which asks more of
// those who write them.
func (b *builder) newEvents(store *registry.REST) rest.Storage {
	return &newEventREST{REST: store, scheme: b.Scheme, rules: validation.For(schema.GroupResource{Group: eventsv1.GroupName, Resource: "events"})}
}

// newEventREST is one store under a second name.
type newEventREST struct {
	*registry.REST
	scheme *scheme.Scheme
	rules  validation.Rules
}

var _ rest.StandardStorage = &newEventREST{}

// Create implements [rest.Creater].
func (r *newEventREST) Create(ctx context.Context, obj runtime.Object, validate rest.ValidateObjectFunc, options *metav1.CreateOptions) (runtime.Object, error) {
	event, err := r.convert(obj)
	if err != nil {
		return nil, err
	}
	rest.FillObjectMetaSystemFields(event)
	if err := invalidEvent(event, r.rules.Create(event)); err != nil {
		return nil, err
	}
	return r.REST.Create(ctx, obj, validate, options)
}

// Update implements [rest.Updater].
func (r *newEventREST) Update(ctx context.Context, name string, info rest.UpdatedObjectInfo, create rest.ValidateObjectFunc, update rest.ValidateObjectUpdateFunc, force bool, options *metav1.UpdateOptions) (runtime.Object, bool, error) {
	checked := rest.WrapUpdatedObjectInfo(info, func(_ context.Context, obj, old runtime.Object) (runtime.Object, error) {
		event, err := r.convert(obj)
		if err != nil {
			return nil, err
		}
		before, err := r.convert(old)
		if err != nil {
			return nil, err
		}
		if before.ResourceVersion == "" { // a PUT that creates
			return obj, invalidEvent(event, r.rules.Create(event))
		}
		return obj, invalidEvent(event, r.rules.Update(event, before))
	})
	return r.REST.Update(ctx, name, checked, create, update, force, options)
}

func (r *newEventREST) convert(obj runtime.Object) (*eventsv1.Event, error) {
	event := &eventsv1.Event{}
	if err := r.scheme.Convert(obj, event, nil); err != nil {
		return nil, apierrors.NewInternalError(err)
	}
	return event, nil
}

func invalidEvent(event *eventsv1.Event, errs field.ErrorList) error {
	if len(errs) == 0 {
		return nil
	}
	return apierrors.NewInvalid(eventsv1.SchemeGroupVersion.WithKind("Event").GroupKind(), event.Name, errs)
}
