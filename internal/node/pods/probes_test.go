//go:build linux && host

package pods_test

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
)

// cares are the stories of probes and hooks.
var cares = []story{
	{"readiness follows its probe", followReadiness},
	{"what is not alive is started again", failLiveness},
	{"what starts up slowly is given time", startSlowly},
	{"hooks are called at the start and before the end", callHooks},
	{"a container whose first hook fails is started again", failFirstHook},
}

func command(script string) corev1.ProbeHandler {
	return corev1.ProbeHandler{Exec: &corev1.ExecAction{Command: []string{"sh", "-c", script}}}
}

func hook(script string) *corev1.LifecycleHandler {
	return &corev1.LifecycleHandler{Exec: &corev1.ExecAction{Command: []string{"sh", "-c", script}}}
}

func followReadiness(t *testing.T, n *node) {
	pod := n.create(t, shell("readiness", "sleep 1000", volume, func(p *corev1.Pod) {
		p.Spec.Containers[0].ReadinessProbe = &corev1.Probe{ProbeHandler: command("test -f /v/ready || { echo not yet; exit 1; }"), PeriodSeconds: 1, TimeoutSeconds: 30, FailureThreshold: 1}
	}))
	n.event(t, pod, "Unhealthy: Readiness probe failed: not yet")
	if now := n.phase(t, pod, corev1.PodRunning); isReady(now) {
		t.Error("it is ready before its probe succeeds")
	}
	n.touch(t, pod, "ready")
	n.running(t, pod)
	n.untouch(t, pod, "ready")
	n.until(t, pod, "it is not ready any more", func(p *corev1.Pod) bool {
		return !isReady(p) && p.Status.ContainerStatuses[0].State.Running != nil && p.Status.ContainerStatuses[0].RestartCount == 0
	})
	n.delete(t, pod, 0)
	n.gone(t, pod)
}

func failLiveness(t *testing.T, n *node) {
	pod := n.create(t, shell("liveness", "touch /v/alive; sleep 1000", volume, func(p *corev1.Pod) {
		p.Spec.TerminationGracePeriodSeconds = new(int64)
		p.Spec.Containers[0].LivenessProbe = &corev1.Probe{ProbeHandler: command("test -f /v/alive"), InitialDelaySeconds: 2, PeriodSeconds: 1, TimeoutSeconds: 30, FailureThreshold: 1}
	}))
	n.running(t, pod)
	eventually(t, "it lives", func() bool { return n.readable(pod, "alive") })
	n.untouch(t, pod, "alive")
	now := n.until(t, pod, "it has been started again", func(p *corev1.Pod) bool {
		return p.Status.ContainerStatuses[0].RestartCount >= 1 && isReady(p)
	})
	if last := now.Status.ContainerStatuses[0].LastTerminationState.Terminated; last == nil || last.ExitCode != 137 {
		t.Errorf("it ended so: %+v", last)
	}
	n.event(t, pod, "Killing: Container main failed liveness probe, will be restarted")
	n.delete(t, pod, 0)
	n.gone(t, pod)
}

func startSlowly(t *testing.T, n *node) {
	pod := n.create(t, shell("slow", "sleep 1000", volume, func(p *corev1.Pod) {
		p.Spec.Containers[0].StartupProbe = &corev1.Probe{ProbeHandler: command("test -f /v/up"), PeriodSeconds: 1, TimeoutSeconds: 30, FailureThreshold: 1000}
		p.Spec.Containers[0].LivenessProbe = &corev1.Probe{ProbeHandler: command("test -f /v/up"), PeriodSeconds: 1, TimeoutSeconds: 30, FailureThreshold: 1}
	}))
	n.event(t, pod, "Unhealthy: Startup probe failed")
	n.until(t, pod, "it runs and has not started up", func(p *corev1.Pod) bool {
		c := p.Status.ContainerStatuses[0]
		return c.State.Running != nil && !*c.Started && !c.Ready
	})
	n.touch(t, pod, "up")
	if c := n.running(t, pod).Status.ContainerStatuses[0]; !*c.Started || c.RestartCount != 0 {
		t.Errorf("its container is %+v", c)
	}
	n.delete(t, pod, 0)
	n.gone(t, pod)
}

func callHooks(t *testing.T, n *node) {
	script := "trap 'cat /v/hooks > /dev/termination-log; exit 0' TERM; while true; do sleep 0.05; done"
	pod := n.create(t, shell("hooks", script, volume, func(p *corev1.Pod) {
		p.Spec.Containers[0].Lifecycle = &corev1.Lifecycle{PostStart: hook("echo first >> /v/hooks"), PreStop: hook("echo last >> /v/hooks")}
	}))
	n.running(t, pod)
	eventually(t, "the first hook has been called", func() bool { return n.readable(pod, "hooks") })
	last := n.last(t, pod)
	n.delete(t, pod, 30)
	c := (<-last).Status.ContainerStatuses[0]
	if s := c.State.Terminated; s == nil || s.Message != "first\nlast\n" || s.ExitCode != 0 {
		t.Errorf("it ended so: %+v", c)
	}
}

func failFirstHook(t *testing.T, n *node) {
	pod := n.create(t, shell("bad-hook", "sleep 1000", volume, func(p *corev1.Pod) {
		p.Spec.TerminationGracePeriodSeconds = new(int64)
		p.Spec.Containers[0].Lifecycle = &corev1.Lifecycle{PostStart: hook("test -f /v/once && exit 0; touch /v/once; echo no; exit 9")}
	}))
	n.until(t, pod, "it has been started again", func(p *corev1.Pod) bool {
		return isReady(p) && p.Status.ContainerStatuses[0].RestartCount == 1
	})
	n.event(t, pod, "FailedPostStartHook: ")
	n.delete(t, pod, 0)
	n.gone(t, pod)
}
