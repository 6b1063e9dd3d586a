package validation

import (
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// How long the parts of an event may be, in bytes.
const (
	maxReporter = 128
	maxAction   = 128
	maxReason   = 128
	maxNote     = 1024
)

// event checks what is written to core/v1. Clients of old give no event
// time, and little else; of those that give one, all is required.
func event(e *corev1.Event) field.ErrorList {
	errs := metadata(&e.ObjectMeta, namespaced, subdomainName)
	errs = append(errs, eventNamespace(e)...)
	if e.EventTime.IsZero() {
		return errs
	}
	errs = append(errs, named(field.NewPath("reportingComponent"), e.ReportingController, validation.IsQualifiedName)...)
	errs = append(errs, bounded(field.NewPath("reportingInstance"), e.ReportingInstance, maxReporter)...)
	errs = append(errs, bounded(field.NewPath("action"), e.Action, maxAction)...)
	errs = append(errs, bounded(field.NewPath("reason"), e.Reason, maxReason)...)
	if len(e.Message) > maxNote {
		errs = append(errs, overlong(field.NewPath("message"), maxNote))
	}
	return errs
}

func eventUpdate(e, old *corev1.Event) field.ErrorList {
	return append(metadataUpdate(&e.ObjectMeta, &old.ObjectMeta), event(e)...)
}

// newEvent checks what is written to events.k8s.io, which is held as the same
// type: it has a time, a type, and nothing that only the old form has.
func newEvent(e *corev1.Event) field.ErrorList {
	errs := event(e)
	if e.EventTime.IsZero() {
		errs = append(errs, field.Required(field.NewPath("eventTime"), ""))
	}
	if e.Type != corev1.EventTypeNormal && e.Type != corev1.EventTypeWarning {
		errs = append(errs, field.Invalid(field.NewPath("type"), "", fmt.Sprintf("has invalid value: %v", e.Type)))
	}
	for _, f := range []struct {
		name string
		set  bool
	}{
		{"firstTimestamp", !e.FirstTimestamp.IsZero()},
		{"lastTimestamp", !e.LastTimestamp.IsZero()},
		{"count", e.Count != 0},
		{"source", e.Source != corev1.EventSource{}},
	} {
		if f.set {
			errs = append(errs, field.Invalid(field.NewPath(f.name), "", "needs to be unset"))
		}
	}
	return append(errs, eventSeries(e.Series)...)
}

// newEventUpdate lets a series grow; what has happened stays as reported.
func newEventUpdate(e, old *corev1.Event) field.ErrorList {
	errs := metadataUpdate(&e.ObjectMeta, &old.ObjectMeta)
	for _, f := range []struct {
		name      string
		now, then any
	}{
		{"involvedObject", e.InvolvedObject, old.InvolvedObject},
		{"related", e.Related, old.Related},
		{"reason", e.Reason, old.Reason},
		{"action", e.Action, old.Action},
		{"message", e.Message, old.Message},
		{"type", e.Type, old.Type},
		{"source", e.Source, old.Source},
		{"firstTimestamp", e.FirstTimestamp, old.FirstTimestamp},
		{"lastTimestamp", e.LastTimestamp, old.LastTimestamp},
		{"count", e.Count, old.Count},
		{"reportingComponent", e.ReportingController, old.ReportingController},
		{"reportingInstance", e.ReportingInstance, old.ReportingInstance},
		// The wire has microseconds, and so does the comparison.
		{"eventTime", metav1.NewMicroTime(e.EventTime.Truncate(time.Microsecond)), metav1.NewMicroTime(old.EventTime.Truncate(time.Microsecond))},
	} {
		errs = append(errs, immutable(field.NewPath(f.name), f.now, f.then)...)
	}
	return append(errs, eventSeries(e.Series)...)
}

func eventSeries(s *corev1.EventSeries) field.ErrorList {
	if s == nil {
		return nil
	}
	var errs field.ErrorList
	p := field.NewPath("series")
	if s.Count < 2 {
		errs = append(errs, field.Invalid(p.Child("count"), s.Count, "should be at least 2"))
	}
	if s.LastObservedTime.IsZero() {
		errs = append(errs, field.Required(p.Child("lastObservedTime"), ""))
	}
	return errs
}

// eventNamespace puts an event where the object is that it is about, and
// those about objects of the cluster where everybody looks. As in Kubernetes,
// events with a time may be about an object elsewhere.
func eventNamespace(e *corev1.Event) field.ErrorList {
	about := e.InvolvedObject.Namespace
	var allowed []string
	switch timed := !e.EventTime.IsZero(); {
	case timed && about != "":
		return nil
	case timed:
		allowed = []string{metav1.NamespaceDefault, metav1.NamespaceSystem}
	case about != "":
		allowed = []string{about}
	default:
		allowed = []string{metav1.NamespaceNone, metav1.NamespaceDefault}
	}
	if slices.Contains(allowed, e.Namespace) {
		return nil
	}
	return field.ErrorList{field.Invalid(field.NewPath("involvedObject", "namespace"), about, "does not match event.namespace")}
}

// bounded requires a value that is not too long.
func bounded(p *field.Path, value string, limit int) field.ErrorList {
	if len(value) > limit {
		return field.ErrorList{overlong(p, limit)}
	}
	return present(p, value)
}

func overlong(p *field.Path, limit int) *field.Error {
	return field.Invalid(p, "", fmt.Sprintf("can have at most %v characters", limit))
}
