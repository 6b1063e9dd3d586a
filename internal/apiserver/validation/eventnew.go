package validation

import (
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// newEvent checks the events.k8s.io form, which is stricter: it has a time,
// a type, and none of the old form's fields. Paths are in its own names.
func newEvent(e *eventsv1.Event) field.ErrorList {
	errs := metadata(&e.ObjectMeta, namespaced, subdomainName)
	errs = append(errs, eventContent(newEventView(e))...)
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
		{"deprecatedFirstTimestamp", !e.DeprecatedFirstTimestamp.IsZero()},
		{"deprecatedLastTimestamp", !e.DeprecatedLastTimestamp.IsZero()},
		{"deprecatedCount", e.DeprecatedCount != 0},
		{"deprecatedSource", e.DeprecatedSource != corev1.EventSource{}},
	} {
		if f.set {
			errs = append(errs, field.Invalid(field.NewPath(f.name), "", "needs to be unset"))
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
		{"eventTime", metav1.NewMicroTime(e.EventTime.Truncate(time.Microsecond)), metav1.NewMicroTime(old.EventTime.Truncate(time.Microsecond))},
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
