package controller

import (
	"context"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/tools/record"
	"k8s.io/klog/v2"
)

// Events writes what controllers tell the users of an object, as
// `kubectl describe` shows it. Events that repeat themselves are counted and
// not written again; events are dropped rather than waited for. It is a
// [Controller], which writes while it runs.
type Events struct {
	client      kubernetes.Interface
	broadcaster record.EventBroadcaster
	ready       chan struct{}
}

var _ Controller = (*Events)(nil)

// NewEvents makes one for all controllers of a process.
func NewEvents(client kubernetes.Interface) *Events {
	quiet := klog.NewContext(context.Background(), logr.Discard())
	return &Events{client: client, broadcaster: record.NewBroadcaster(record.WithContext(quiet)), ready: make(chan struct{})}
}

// Name implements [Controller].
func (e *Events) Name() string { return "events" }

// Ready implements [Controller].
func (e *Events) Ready() <-chan struct{} { return e.ready }

// Run implements [Controller].
func (e *Events) Run(ctx context.Context) error {
	sink := &typedcorev1.EventSinkImpl{Interface: e.client.CoreV1().Events("")}
	e.broadcaster.StartRecordingToSink(sink)
	close(e.ready)
	<-ctx.Done()
	e.broadcaster.Shutdown()
	return nil
}

// Recorder records events in the name of a component. Without Events it
// records none.
func (c Config) Recorder(component string) record.EventRecorder {
	if c.Events == nil {
		return &record.FakeRecorder{}
	}
	return c.Events.broadcaster.NewRecorder(scheme.Scheme, corev1.EventSource{Component: component})
}
