package validation_test

import (
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/causeway-access/causeway/internal/apiserver/validation"
)

const oldEvent = `{apiVersion: v1, kind: Event, metadata: {name: e.1, namespace: default}, reason: Pulled, type: Normal, message: m,
involvedObject: {kind: Pod, name: p, namespace: default}}`

const timedEvent = `{apiVersion: v1, kind: Event, metadata: {name: e.1, namespace: default}, reason: Pulled, type: Normal, action: Pull, message: m,
eventTime: '2026-01-01T00:00:00.000001Z', reportingComponent: example.org/agent, reportingInstance: agent-1,
involvedObject: {kind: Pod, name: p, namespace: default}}`

func TestEventIsRefusedWhenCreated(t *testing.T) {
	elsewhere := []string{invalid + " involvedObject.namespace"}
	creations(t, core("events"), oldEvent, []change[*corev1.Event]{
		{"about an object elsewhere", func(e *corev1.Event) { e.InvolvedObject.Namespace = "other" }, elsewhere},
		{"about the cluster", func(e *corev1.Event) { e.InvolvedObject.Namespace = "" }, nil},
		{"about the cluster, in a namespace", func(e *corev1.Event) { e.InvolvedObject.Namespace, e.Namespace = "", "other" }, elsewhere},
		{"without reason or type", func(e *corev1.Event) { e.Reason, e.Type = "", "" }, nil},
	})
	creations(t, core("events"), timedEvent, []change[*corev1.Event]{
		{"without reporter", func(e *corev1.Event) { e.ReportingController = "" }, []string{required + " reportingComponent"}},
		{"with a bad reporter", func(e *corev1.Event) { e.ReportingController = "a b" }, []string{invalid + " reportingComponent"}},
		{"without instance", func(e *corev1.Event) { e.ReportingInstance = "" }, []string{required + " reportingInstance"}},
		{"with a long instance", func(e *corev1.Event) { e.ReportingInstance = strings.Repeat("a", 129) }, []string{invalid + " reportingInstance"}},
		{"without action", func(e *corev1.Event) { e.Action = "" }, []string{required + " action"}},
		{"without reason", func(e *corev1.Event) { e.Reason = "" }, []string{required + " reason"}},
		{"with a long message", func(e *corev1.Event) { e.Message = strings.Repeat("a", 1025) }, []string{invalid + " message"}},
		{"about the cluster, in a namespace", func(e *corev1.Event) { e.InvolvedObject.Namespace, e.Namespace = "", "other" }, elsewhere},
		{"about the cluster, in kube-system", func(e *corev1.Event) { e.InvolvedObject.Namespace, e.Namespace = "", "kube-system" }, nil},
	})
}

const newFormEvent = `{apiVersion: events.k8s.io/v1, kind: Event, metadata: {name: e.1, namespace: default}, reason: Pulled, type: Normal, action: Pull, note: m,
eventTime: '2026-01-01T00:00:00.000001Z', reportingController: example.org/agent, reportingInstance: agent-1,
regarding: {kind: Pod, name: p, namespace: default}}`

func TestNewEventIsStricter(t *testing.T) {
	group := schema.GroupResource{Group: "events.k8s.io", Resource: "events"}
	creations(t, group, newFormEvent, []change[*eventsv1.Event]{
		{"without time", func(e *eventsv1.Event) { e.EventTime = metav1.MicroTime{} }, []string{required + " eventTime"}},
		{"of an unknown type", func(e *eventsv1.Event) { e.Type = "Odd" }, []string{invalid + " type"}},
		{"without reporter", func(e *eventsv1.Event) { e.ReportingController = "" }, []string{required + " reportingController"}},
		{"with a long note", func(e *eventsv1.Event) { e.Note = strings.Repeat("a", 1025) }, []string{invalid + " note"}},
		{"about the cluster, in a namespace", func(e *eventsv1.Event) {
			e.Regarding.Namespace, e.Namespace = "", "other"
		}, []string{invalid + " regarding.namespace"}},
		{"with old times", func(e *eventsv1.Event) {
			e.DeprecatedFirstTimestamp, e.DeprecatedLastTimestamp = metav1.Unix(1, 0), metav1.Unix(2, 0)
		}, []string{invalid + " deprecatedFirstTimestamp", invalid + " deprecatedLastTimestamp"}},
		{"with an old source and count", func(e *eventsv1.Event) {
			e.DeprecatedSource.Component, e.DeprecatedCount = "a", 1
		}, []string{invalid + " deprecatedCount", invalid + " deprecatedSource"}},
		{"of a series of one", func(e *eventsv1.Event) {
			e.Series = &eventsv1.EventSeries{Count: 1, LastObservedTime: metav1.NowMicro()}
		}, []string{invalid + " series.count"}},
		{"of a series without time", func(e *eventsv1.Event) { e.Series = &eventsv1.EventSeries{Count: 2} }, []string{required + " series.lastObservedTime"}},
	})
	updates(t, validation.For(group).Update, stored[*eventsv1.Event](t, newFormEvent), []change[*eventsv1.Event]{
		{"a series grows", func(e *eventsv1.Event) {
			e.Series = &eventsv1.EventSeries{Count: 2, LastObservedTime: metav1.NowMicro()}
		}, nil},
		{"time below the wire's resolution", func(e *eventsv1.Event) { e.EventTime.Time = e.EventTime.Add(time.Nanosecond) }, nil},
		{"another time", func(e *eventsv1.Event) { e.EventTime.Time = e.EventTime.Add(time.Second) }, []string{invalid + " eventTime"}},
		{"another object", func(e *eventsv1.Event) { e.Regarding.Name = "q" }, []string{invalid + " regarding"}},
		{"another note", func(e *eventsv1.Event) { e.Note = "n" }, []string{invalid + " note"}},
	})
}
