package pods

import (
	"net/netip"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/kubectl/pkg/util/qos"
	"k8s.io/utils/ptr"

	"github.com/causeway-access/causeway/internal/podrun"
)

// publish makes the pod's status anew, shows it, and has it written.
func (w *worker) publish() {
	if w.sandbox != nil && len(w.sandbox.IPs) > 0 {
		w.ips = w.sandbox.IPs
	}
	w.status = w.makeStatus()
	w.show()
	if !w.gone {
		w.writer.set(w.pod, w.status)
	}
}

// show lets others read what is.
func (w *worker) show() {
	pod := w.pod.DeepCopy()
	pod.Status = *merged(&pod.Status, w.status)
	s := shown{pod: pod, containers: map[string]podrun.Container{}}
	if w.sandbox != nil && !w.cleared {
		s.sandbox = w.sandbox.ID
	}
	for _, c := range w.containers {
		if c.current != nil {
			s.containers[c.spec.Name] = *c.current
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.shown = s
}

// makeStatus says in the words of the API how the pod is.
func (w *worker) makeStatus() *corev1.PodStatus {
	before := &w.pod.Status
	if w.status != nil {
		before = w.status
	}
	s := &corev1.PodStatus{
		ObservedGeneration: w.pod.Generation,
		Reason:             w.verdict.reason, Message: w.verdict.message,
		QOSClass:  qos.ComputePodQOS(w.pod),
		StartTime: before.StartTime,
	}
	if w.verdict.reason == "" && w.ended != "" {
		s.Reason, s.Message = w.pod.Status.Reason, w.pod.Status.Message
	}
	if s.StartTime == nil {
		s.StartTime = ptr.To(metav1.NewTime(time.Now().Truncate(time.Second)))
	}
	for _, ip := range w.m.config.Node.IPs {
		s.HostIPs = append(s.HostIPs, corev1.HostIP{IP: ip.String()})
	}
	if len(s.HostIPs) > 0 {
		s.HostIP = s.HostIPs[0].IP
	}
	for _, ip := range w.addresses() {
		s.PodIPs = append(s.PodIPs, corev1.PodIP{IP: ip.String()})
	}
	if len(s.PodIPs) > 0 {
		s.PodIP = s.PodIPs[0].IP
	}
	if s.Reason != reasonNodePorts { // else none has been made, nor will be
		w.tellContainers(s)
	}
	s.Phase = w.phase()
	s.Conditions = w.conditions(s, before.Conditions)
	return s
}

func (w *worker) tellContainers(s *corev1.PodStatus) {
	s.InitContainerStatuses = w.containerStatuses(setup, sidecar)
	s.ContainerStatuses = w.containerStatuses(ordinary)
	s.EphemeralContainerStatuses = w.containerStatuses(ephemeral)
}

// addresses are the pod's; the node's if it has its network.
func (w *worker) addresses() []netip.Addr {
	if !w.pod.Spec.HostNetwork {
		return w.ips
	}
	if w.sandbox == nil && w.ended == "" {
		return nil
	}
	return w.m.config.Node.IPs
}

// address is where probes find the pod.
func (w *worker) address() netip.Addr {
	if list := w.addresses(); len(list) > 0 {
		return list[0]
	}
	return netip.Addr{}
}

func (w *worker) containerStatuses(kinds ...kind) []corev1.ContainerStatus {
	var list []corev1.ContainerStatus
	for _, c := range w.of(kinds...) {
		list = append(list, w.containerStatus(c))
	}
	return list
}

func (w *worker) containerStatus(c *container) corev1.ContainerStatus {
	s := corev1.ContainerStatus{
		Name: c.spec.Name, Image: c.spec.Image, RestartCount: c.restartCount(),
		Ready: c.ready && c.running() || c.kind == setup && c.exited() && c.current.ExitCode == 0,
	}
	if c.kind != ephemeral {
		s.Started = ptr.To(c.started && c.running())
	}
	if c.previous != nil {
		s.LastTerminationState = w.terminated(c.previous, c.previousWords)
	}
	if c.current != nil {
		s.ContainerID, s.ImageID = w.containerID(c.current), c.current.ImageID
		s.Image = c.current.Config.Image
	}
	switch {
	case c.running():
		s.State.Running = &corev1.ContainerStateRunning{StartedAt: metav1.NewTime(c.current.Started)}
	case c.exited() && (c.why.name == "" || !w.wanted(c) || w.over()):
		s.State = w.terminated(c.current, c.words)
	default:
		if c.exited() {
			s.LastTerminationState = w.terminated(c.current, c.words)
		}
		s.State.Waiting = w.waiting(c)
	}
	return s
}

// over says that nothing of the pod is started any more.
func (w *worker) over() bool {
	return w.ended != "" || w.verdict.reason != "" || w.gone || w.pod.DeletionTimestamp != nil || w.isOver()
}

// waiting says why a container does not run.
func (w *worker) waiting(c *container) *corev1.ContainerStateWaiting {
	why := c.why
	if why.name == "" {
		why.name = "ContainerCreating"
		if len(w.of(setup, sidecar)) > 0 && c.kind != ephemeral && (c.kind != ordinary || !w.initialized()) && !w.isNext(c) {
			why.name = "PodInitializing"
		}
	}
	return &corev1.ContainerStateWaiting{Reason: why.name, Message: why.message}
}

// isNext says that an init container is about to be started.
func (w *worker) isNext(c *container) bool {
	return c.kind != ordinary && slices.Contains(w.plan().start, c)
}

func (w *worker) terminated(c *podrun.Container, words string) corev1.ContainerState {
	reason := c.Reason
	if reason == "" {
		reason = podrun.ReasonCompleted
		if c.ExitCode != 0 {
			reason = podrun.ReasonError
		}
	}
	return corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{
		ExitCode: int32(c.ExitCode), Reason: reason, Message: words,
		StartedAt: metav1.NewTime(c.Started), FinishedAt: metav1.NewTime(c.Finished),
		ContainerID: w.containerID(c),
	}}
}

func (w *worker) containerID(c *podrun.Container) string {
	if c.ID == "" {
		return ""
	}
	return w.m.config.Scheme + "://" + c.ID
}
