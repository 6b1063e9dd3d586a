package pods

import (
	"context"
	"net/netip"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// probe looks after a container that runs, until ctx ends.
func (w *worker) probe(_ context.Context, c *container) {
	c.started = c.started || c.spec.StartupProbe == nil
	c.ready = c.ready || c.started && c.spec.ReadinessProbe == nil
}

func (m *Manager) hook(context.Context, *corev1.Pod, *corev1.Container, string, netip.Addr, corev1.LifecycleHandler, time.Duration) error {
	return nil
}
