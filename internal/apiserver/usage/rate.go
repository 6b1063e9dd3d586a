package usage

import (
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/types"
)

// measure is what something uses, over a time that ends at another.
type measure struct {
	usage  corev1.ResourceList
	at     time.Time
	window time.Duration
}

// measured returns what is known of a container, or with no pod and no name of
// the node. It is not ok if the agent has not said enough. The sample is locked.
func (one *sample) measured(pod types.UID, s *stats) (measure, bool) {
	now, known := one.lastUsed[pod][s.Name]
	if !known || s.Memory == nil {
		return measure{}, false
	}
	since := counter{at: now.start}
	if before, was := one.firstUsed[pod][s.Name]; was && before.start.Equal(now.start) && before.cpu <= now.cpu {
		since = before
	}
	window := now.at.Sub(since.at)
	if since.at.IsZero() || window <= 0 {
		return measure{}, false
	}
	rate := float64(now.cpu-since.cpu) / window.Seconds() // billionths of a processor
	return measure{at: now.at, window: window, usage: corev1.ResourceList{
		corev1.ResourceCPU:    *resource.NewScaledQuantity(int64(rate), resource.Nano),
		corev1.ResourceMemory: *resource.NewQuantity(int64(s.Memory.WorkingSetBytes), resource.BinarySI), //nolint:gosec // less than the machine has
	}}, true
}
