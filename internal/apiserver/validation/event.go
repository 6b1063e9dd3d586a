package validation

import (
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
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

// eventView is what both forms of an event have in common, with the names
// that each gives to the fields.
type eventView struct {
	namespace string
	time      metav1.MicroTime
	about     corev1.ObjectReference
	reporter  string
	instance  string
	action    string
	reason    string
	note      string

	aboutField, reporterField, noteField string
}

func event(e *corev1.Event) field.ErrorList {
	errs := metadata(&e.ObjectMeta, namespaced, subdomainName)
	return append(errs, eventContent(eventView{
		namespace: e.Namespace, time: e.EventTime, about: e.InvolvedObject, reporter: e.ReportingController,
		instance: e.ReportingInstance, action: e.Action, reason: e.Reason, note: e.Message,
		aboutField: "involvedObject", reporterField: "reportingComponent", noteField: "message",
	})...)
}

func eventUpdate(e, old *corev1.Event) field.ErrorList {
	return append(metadataUpdate(&e.ObjectMeta, &old.ObjectMeta), event(e)...)
}

// newEvent checks the events.k8s.io form, which is stricter: it has a time,
// a type, and none of the old form's fields.
func newEvent(e *eventsv1.Event) field.ErrorList {
	errs := metadata(&e.ObjectMeta, namespaced, subdomainName)
	errs = append(errs, eventContent(newEventView(e))...)
	if e.EventTime.IsZero() {
		errs = append(errs, field.Required(field.NewPath("eventTime"), ""))
	}
	if e.Type != corev1.EventTypeNormal && e.Type != corev1.EventTypeWarning {
		errs = append(errs, field.Invalid(field.NewPath("type"), "", fmt.Sprintf("has invalid value: %v", e.Type)))
	}
	for name, set := range map[string]bool{
		"deprecatedFirstTimestamp": !e.DeprecatedFirstTimestamp.IsZero(),
		"deprecatedLastTimestamp":  !e.DeprecatedLastTimestamp.IsZero(),
		"deprecatedCount":          e.DeprecatedCount != 0,
		"deprecatedSource":         e.DeprecatedSource != corev1.EventSource{},
	} {
		if set {
			errs = append(errs, field.Invalid(field.NewPath(name), "", "needs to be unset"))
		}
	}
	return append(errs, eventSeries(e.Series)...)
}

// newEventUpdate lets a series grow; what has happened stays as reported.
func newEventUpdate(e, old *eventsv1.Event) field.ErrorList {
	errs := metadataUpdate(&e.ObjectMeta, &old.ObjectMeta)
	for _, f := range []struct {
		name      string
		now, then any
	}{
		{"regarding", e.Regarding, old.Regarding},
		{"related", e.Related, old.Related},
		{"reason", e.Reason, old.Reason},
		{"action", e.Action, old.Action},
		{"note", e.Note, old.Note},
		{"type", e.Type, old.Type},
		{"reportingController", e.ReportingController, old.ReportingController},
		{"reportingInstance", e.ReportingInstance, old.ReportingInstance},
		// The wire has microseconds, and so does the comparison.
		{"eventTime", e.EventTime.Truncate(time.Microsecond).UTC(), old.EventTime.Truncate(time.Microsecond).UTC()},
	} {
		errs = append(errs, immutable(field.NewPath(f.name), f.now, f.then)...)
	}
	return append(errs, eventSeries(e.Series)...)
}

func newEventView(e *eventsv1.Event) eventView {
	return eventView{
		namespace: e.Namespace, time: e.EventTime, about: e.Regarding, reporter: e.ReportingController,
		instance: e.ReportingInstance, action: e.Action, reason: e.Reason, note: e.Note,
		aboutField: "regarding", reporterField: "reportingController", noteField: "note",
	}
}

func eventSeries(s *eventsv1.EventSeries) field.ErrorList {
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

// eventContent checks the namespace, and of events with a time all that such
// events have; the others come from clients of the old form.
func eventContent(e eventView) field.ErrorList {
	errs := eventNamespace(e)
	if e.time.IsZero() {
		return errs
	}
	errs = append(errs, named(field.NewPath(e.reporterField), e.reporter, validation.IsQualifiedName)...)
	errs = append(errs, bounded(field.NewPath("reportingInstance"), e.instance, maxReporter)...)
	errs = append(errs, bounded(field.NewPath("action"), e.action, maxAction)...)
	errs = append(errs, bounded(field.NewPath("reason"), e.reason, maxReason)...)
	if len(e.note) > maxNote {
		errs = append(errs, tooLong(field.NewPath(e.noteField), maxNote))
	}
	return errs
}

// eventNamespace puts an event where the object is that it is about, and
// those about objects of the cluster where everybody looks.
func eventNamespace(e eventView) field.ErrorList {
	allowed := []string{e.about.Namespace}
	switch {
	case e.about.Namespace != "" && !e.time.IsZero():
		return nil // Kubernetes checks this for the old form alone
	case e.about.Namespace == "" && e.time.IsZero():
		allowed = []string{metav1.NamespaceNone, metav1.NamespaceDefault}
	case e.about.Namespace == "":
		allowed = []string{metav1.NamespaceDefault, metav1.NamespaceSystem}
	}
	for _, a := range allowed {
		if e.namespace == a {
			return nil
		}
	}
	return field.ErrorList{field.Invalid(field.NewPath(e.aboutField, "namespace"), e.about.Namespace, "does not match event.namespace")}
}

// bounded requires a value that is not too long.
func bounded(p *field.Path, value string, limit int) field.ErrorList {
	if len(value) > limit {
		return field.ErrorList{tooLong(p, limit)}
	}
	return present(p, value)
}

func tooLong(p *field.Path, limit int) *field.Error {
	return field.Invalid(p, "", fmt.Sprintf("can have at most %v characters", limit))
}
