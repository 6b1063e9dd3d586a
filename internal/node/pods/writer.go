package pods

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/resourceversion"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
)

// writer tells the API of one pod's status: the newest, if it has changed,
// again and again until it is taken.
type writer struct {
	m       *Manager
	settle  func() // hears that all has been written
	changed chan struct{}

	mu      sync.Mutex
	pod     *corev1.Pod // as last heard of
	status  *corev1.PodStatus
	version int // of status
	written int
	waited  bool
}

func newWriter(m *Manager, settle func()) *writer {
	return &writer{m: m, settle: settle, changed: make(chan struct{}, 1)}
}

// set says what is to be written, and how the pod is in the API as far as known.
func (x *writer) set(pod *corev1.Pod, status *corev1.PodStatus) {
	x.mu.Lock()
	same := x.status != nil && equality.Semantic.DeepEqual(x.status, status)
	if known := x.pod; newer(known, pod) == known && same {
		x.mu.Unlock()
		return
	}
	x.pod, x.status = newer(x.pod, pod), status
	x.version++
	x.mu.Unlock()
	select {
	case x.changed <- struct{}{}:
	default:
	}
}

// newer is the later of two versions of a pod.
func newer(a, b *corev1.Pod) *corev1.Pod {
	if a == nil {
		return b
	}
	order, err := resourceversion.CompareResourceVersion(a.ResourceVersion, b.ResourceVersion)
	if err == nil && order >= 0 {
		return a
	}
	return b
}

// settled says whether all has been written. If not, settle will be called.
func (x *writer) settled() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.waited = x.written < x.version
	return !x.waited
}

// run writes until ctx ends.
func (x *writer) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-x.changed:
		}
		for delay := 200 * time.Millisecond; x.write(ctx) != nil; delay = min(2*delay, 10*time.Second) {
			if sleep(ctx, delay) != nil {
				return
			}
		}
	}
}

// write writes what is to be written now.
func (x *writer) write(ctx context.Context) error {
	x.mu.Lock()
	pod, status, version := x.pod, x.status, x.version
	x.mu.Unlock()
	patch, err := statusPatch(pod, status)
	if err == nil && patch != nil {
		var written *corev1.Pod
		written, err = x.m.config.Client.CoreV1().Pods(pod.Namespace).Patch(ctx, pod.Name, types.StrategicMergePatchType, patch, metav1.PatchOptions{}, "status")
		if err == nil {
			pod = written
		}
	}
	if err != nil && !apierrors.IsNotFound(err) {
		if ctx.Err() == nil {
			x.m.config.Log.Warn("writing a pod's status failed", "pod", pod.Namespace+"/"+pod.Name, "error", err)
		}
		return err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.pod, x.written = newer(x.pod, pod), version
	if x.waited && x.written == x.version {
		x.settle()
	}
	return nil
}

// statusPatch is what makes a pod's status so; nil if it is. What others write
// of it stays. Another pod of the same name is not touched.
func statusPatch(pod *corev1.Pod, status *corev1.PodStatus) ([]byte, error) {
	wanted := merged(&pod.Status, status)
	before, err := json.Marshal(corev1.Pod{Status: pod.Status})
	if err != nil {
		return nil, fmt.Errorf("encoding a pod's status: %w", err)
	}
	after, err := json.Marshal(corev1.Pod{Status: *wanted})
	if err != nil {
		return nil, fmt.Errorf("encoding a pod's status: %w", err)
	}
	data, err := strategicpatch.CreateTwoWayMergePatch(before, after, corev1.Pod{})
	if err != nil || string(data) == "{}" {
		return nil, err
	}
	patch := map[string]any{}
	if err := json.Unmarshal(data, &patch); err != nil {
		return nil, err
	}
	patch["metadata"] = map[string]any{"uid": pod.UID}
	return json.Marshal(patch)
}

// merged is the status in the API with what is ours in place.
func merged(theirs, ours *corev1.PodStatus) *corev1.PodStatus {
	s := theirs.DeepCopy()
	s.ObservedGeneration, s.Phase, s.Reason, s.Message = ours.ObservedGeneration, ours.Phase, ours.Reason, ours.Message
	s.HostIP, s.HostIPs, s.PodIP, s.PodIPs, s.StartTime = ours.HostIP, ours.HostIPs, ours.PodIP, ours.PodIPs, ours.StartTime
	s.InitContainerStatuses, s.ContainerStatuses = ours.InitContainerStatuses, ours.ContainerStatuses
	s.EphemeralContainerStatuses = ours.EphemeralContainerStatuses
	s.QOSClass = cmp.Or(s.QOSClass, ours.QOSClass)
	s.Conditions = nil
	for _, c := range theirs.Conditions {
		if own := condition(ours.Conditions, c.Type); own != nil && c.Type != corev1.PodScheduled {
			c = *own
		}
		s.Conditions = append(s.Conditions, c)
	}
	for _, c := range ours.Conditions {
		if !slices.ContainsFunc(s.Conditions, func(o corev1.PodCondition) bool { return o.Type == c.Type }) {
			s.Conditions = append(s.Conditions, c)
		}
	}
	return s
}

func condition(list []corev1.PodCondition, kind corev1.PodConditionType) *corev1.PodCondition {
	for i := range list {
		if list[i].Type == kind {
			return &list[i]
		}
	}
	return nil
}
