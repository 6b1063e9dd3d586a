package validation

import (
	"fmt"
	"slices"

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
		errs = append(errs, overlong(field.NewPath(e.noteField), maxNote))
	}
	return errs
}

// eventNamespace puts an event where the object is that it is about, and
// those about objects of the cluster where everybody looks. As in Kubernetes,
// events with a time may be about an object elsewhere.
func eventNamespace(e eventView) field.ErrorList {
	var allowed []string
	switch timed, about := !e.time.IsZero(), e.about.Namespace; {
	case timed && about != "":
		return nil
	case timed:
		allowed = []string{metav1.NamespaceDefault, metav1.NamespaceSystem}
	case about != "":
		allowed = []string{about}
	default:
		allowed = []string{metav1.NamespaceNone, metav1.NamespaceDefault}
	}
	if slices.Contains(allowed, e.namespace) {
		return nil
	}
	return field.ErrorList{field.Invalid(field.NewPath(e.aboutField, "namespace"), e.about.Namespace, "does not match event.namespace")}
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
