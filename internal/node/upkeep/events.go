package upkeep

import (
	"context"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/tools/record"
	"k8s.io/klog/v2"
)

// Reasons of the node's events, as those who know Kubernetes expect them.
const (
	reasonGCFailed   = "ImageGCFailed"
	reasonFreeFailed = "FreeDiskSpaceFailed"
	reasonThreshold  = "EvictionThresholdMet"
	reasonRemoved    = "ImageRemoved"
)

// silence is how long an event is not repeated while nothing changes.
const silence = 5 * time.Minute

// events are the node's. Before it is open they go nowhere.
type events struct {
	recorder record.EventRecorder
	node     *corev1.ObjectReference
	last     map[string]time.Time
}

// open writes events until the function that it returns is called.
func (e *events) open(client kubernetes.Interface, node string) (stop func()) {
	quiet := klog.NewContext(context.Background(), logr.Discard())
	broadcaster := record.NewBroadcaster(record.WithContext(quiet))
	broadcaster.StartRecordingToSink(&typedcorev1.EventSinkImpl{Interface: client.CoreV1().Events("")})
	e.recorder = broadcaster.NewRecorder(scheme.Scheme, corev1.EventSource{Component: "kubelet", Host: node})
	// The UID of a node in events is its name: describe looks for that.
	e.node = &corev1.ObjectReference{Kind: "Node", APIVersion: "v1", Name: node, UID: types.UID(node)}
	return broadcaster.Shutdown
}

// warn records one, unless there was one for the same reason not long ago.
func (e *events) warn(reason, format string, args ...any) {
	if e.recorder == nil || time.Since(e.last[reason]) < silence {
		return
	}
	if e.last == nil {
		e.last = map[string]time.Time{}
	}
	e.last[reason] = time.Now()
	e.recorder.Eventf(e.node, corev1.EventTypeWarning, reason, format, args...)
}

// tell records that something was done.
func (e *events) tell(reason, format string, args ...any) {
	if e.recorder != nil {
		e.recorder.Eventf(e.node, corev1.EventTypeNormal, reason, format, args...)
	}
}

// counts are metrics, named as those of kubelets.
type counts struct {
	evictions *prometheus.CounterVec
	images    *prometheus.CounterVec
}

func newCounts() counts {
	return counts{
		evictions: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "kubelet_evictions", Help: "Cumulative number of pod evictions by eviction signal",
		}, []string{"eviction_signal"}),
		images: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "kubelet_image_garbage_collected_total", Help: "Total number of images garbage collected by the kubelet, whether through disk usage or image age.",
		}, []string{"reason"}),
	}
}

func (c counts) register(with func(prometheus.Collector) error) error {
	if with == nil {
		return nil
	}
	if err := with(c.evictions); err != nil {
		return err
	}
	return with(c.images)
}
