package printers

import (
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// events shows the last time first; users sort and read by it. Events of
// events.k8s.io are the same objects, held as this type.
func events() view {
	return viewOf(eventColumns(), func(e *corev1.Event) []any {
		first := known(age(e.FirstTimestamp), microAge(e.EventTime))
		last := known(age(e.LastTimestamp), first)
		count := max(e.Count, 1)
		if e.Series != nil {
			last, count = microAge(e.Series.LastObservedTime), e.Series.Count
		}
		return []any{
			last, e.Type, e.Reason, target(e.InvolvedObject), e.InvolvedObject.FieldPath,
			source(e.Source, e.ReportingController, e.ReportingInstance),
			strings.TrimSpace(e.Message), first, int64(count), e.Name,
		}
	})
}

func eventColumns() []column {
	doc := corev1.Event{}.SwaggerDoc()
	return columns(
		text("Last Seen", doc["lastTimestamp"]),
		text("Type", doc["type"]),
		text("Reason", doc["reason"]),
		text("Object", doc["involvedObject"]),
		wide(text("Subobject", corev1.ObjectReference{}.SwaggerDoc()["fieldPath"])),
		wide(text("Source", doc["source"])),
		text("Message", doc["message"]),
		wide(text("First Seen", doc["firstTimestamp"])),
		wide(text("Count", doc["count"])),
		wide(nameColumn()),
	)
}

// known gives the first age that is known.
func known(a, b string) string {
	if a == unknown {
		return b
	}
	return a
}

// target names the object an event is about.
func target(ref corev1.ObjectReference) string {
	kind := strings.ToLower(ref.Kind)
	if ref.Name == "" {
		return kind
	}
	return kind + "/" + ref.Name
}

// source names who reported; new writers leave the old field empty.
func source(old corev1.EventSource, controller, instance string) string {
	component, host := or(old.Component, controller), or(old.Host, instance)
	if host == "" {
		return component
	}
	return component + ", " + host
}
