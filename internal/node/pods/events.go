package pods

import (
	"context"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes/scheme"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/tools/record"
	"k8s.io/klog/v2"
)

// Reasons of events, as those who know Kubernetes expect them.
const (
	reasonBackOff        = "BackOff"
	reasonCreated        = "Created"
	reasonFailed         = "Failed"
	reasonFailedMount    = "FailedMount"
	reasonFailedPod      = "FailedKillPod"
	reasonFailedSandbox  = "FailedCreatePodSandBox"
	reasonInspectFailed  = "InspectFailed"
	reasonInvalidNames   = "InvalidEnvironmentVariableNames"
	reasonKilling        = "Killing"
	reasonNeverPull      = "ErrImageNeverPull"
	reasonPulled         = "Pulled"
	reasonPulling        = "Pulling"
	reasonSandboxChanged = "SandboxChanged"
	reasonStarted        = "Started"
	reasonUnsupported    = "NotSupported"
)

// recordEvents writes events until the function that it returns is called.
// Repeated ones are counted; none is waited for.
func (m *Manager) recordEvents() (stop func()) {
	quiet := klog.NewContext(context.Background(), logr.Discard())
	broadcaster := record.NewBroadcaster(record.WithContext(quiet))
	broadcaster.StartRecordingToSink(&typedcorev1.EventSinkImpl{Interface: m.config.Client.CoreV1().Events("")})
	m.events = broadcaster.NewRecorder(scheme.Scheme, corev1.EventSource{Component: "kubelet", Host: m.config.Node.Name})
	return broadcaster.Shutdown
}

// event records one of a pod, or of the part of it that path names.
func (m *Manager) event(pod *corev1.Pod, path, kind, reason, format string, args ...any) {
	m.events.Eventf(&corev1.ObjectReference{
		Kind: "Pod", APIVersion: "v1", Namespace: pod.Namespace, Name: pod.Name, UID: pod.UID,
		ResourceVersion: pod.ResourceVersion, FieldPath: path,
	}, kind, reason, format, args...)
}

// normal and warning are for the worker's goroutine; c is nil for the pod itself.
func (w *worker) normal(c *container, reason, format string, args ...any) {
	w.m.event(w.pod, c.path(), corev1.EventTypeNormal, reason, format, args...)
}

func (w *worker) warning(c *container, reason, format string, args ...any) {
	w.m.event(w.pod, c.path(), corev1.EventTypeWarning, reason, format, args...)
}
