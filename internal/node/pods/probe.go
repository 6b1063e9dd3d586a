package pods

import (
	"context"
	"fmt"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/causeway-access/causeway/internal/node/probe"
	"github.com/causeway-access/causeway/internal/podrun"
)

// probe looks after a container that runs, until ctx ends. What it has no
// probe for it is at once.
func (w *worker) probe(ctx context.Context, c *container) {
	spec, id := c.spec, c.current.ID
	c.started = c.started || spec.StartupProbe == nil
	c.ready = c.ready || c.started && spec.ReadinessProbe == nil
	if spec.StartupProbe == nil && spec.LivenessProbe == nil && spec.ReadinessProbe == nil {
		return
	}
	config := probe.Config{
		Target: w.targetOf(c), Started: c.current.Started, StartedUp: c.started, Ready: c.ready,
		Report: func(r probe.Report) {
			w.later(func() {
				if c.running() && c.current.ID == id {
					w.hearProbe(c, r)
				}
			})
		},
	}
	w.m.running.Go(func() { probe.Run(ctx, config) })
}

// hearProbe takes note of what a probe has found.
func (w *worker) hearProbe(c *container, r probe.Report) {
	if reason := r.EventReason(); reason != "" {
		w.warning(c, reason, "%s", r.EventMessage())
	}
	if !r.Changed {
		return
	}
	switch {
	case r.Kind == probe.Readiness:
		c.ready = r.Healthy
	case r.Healthy:
		c.started, c.ready = true, c.ready || c.spec.ReadinessProbe == nil
	case r.Kind == probe.Startup:
		w.restart(c, c.spec.StartupProbe, "startup")
	default:
		w.restart(c, c.spec.LivenessProbe, "liveness")
	}
}

// restart ends a container that a probe has found to be of no use.
func (w *worker) restart(c *container, by *corev1.Probe, name string) {
	if c.stop != nil {
		return
	}
	grace := w.graceOf()
	if by.TerminationGracePeriodSeconds != nil {
		grace = time.Duration(*by.TerminationGracePeriodSeconds) * time.Second
	}
	w.stop(c, grace, fmt.Sprintf("Container %s failed %s probe, will be restarted", c.spec.Name, name))
}

// targetOf is how probes and hooks reach a container.
func (w *worker) targetOf(c *container) probe.Target {
	return probe.Target{IP: w.address(), Container: c.spec, Exec: w.m.execIn(c.current.ID)}
}

// execIn runs commands in a container.
func (m *Manager) execIn(id string) func(context.Context, []string) (int, []byte, error) {
	return func(ctx context.Context, args []string) (int, []byte, error) {
		out := &output{}
		code, err := m.config.Runtime.Exec(ctx, id, podrun.Command{Args: args}, podrun.Stdio{Stdout: out, Stderr: out})
		out.mu.Lock()
		defer out.mu.Unlock()
		return code, out.data, err
	}
}

// mostOutput is how much of a command's output is kept, in bytes.
const mostOutput = 10 << 10

// output keeps the beginning of what a command writes to both its streams.
type output struct {
	mu   sync.Mutex
	data []byte
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.data = append(o.data, p[:min(len(p), mostOutput-len(o.data))]...)
	return len(p), nil
}
