package scheduler

import (
	"cmp"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	schedulinghelper "k8s.io/component-helpers/scheduling/corev1"
	"k8s.io/component-helpers/scheduling/corev1/nodeaffinity"
	"k8s.io/klog/v2"
	"k8s.io/utils/ptr"
)

// A filter says what is in the way of a pod on a node; nothing if it fits.

// schedulable wants a node that is not cordoned off.
func schedulable(seeker *resident) func(*spot) []string {
	cordon := corev1.Taint{Key: corev1.TaintNodeUnschedulable, Effect: corev1.TaintEffectNoSchedule}
	return func(s *spot) []string {
		if s.node.Spec.Unschedulable && !tolerates(seeker.pod, &cordon) {
			return []string{"node(s) were unschedulable"}
		}
		return nil
	}
}

func tolerates(pod *corev1.Pod, taint *corev1.Taint) bool {
	return schedulinghelper.TolerationsTolerateTaint(klog.Background(), pod.Spec.Tolerations, taint, false)
}

// tolerated wants a node all of whose taints the pod tolerates.
func tolerated(seeker *resident) func(*spot) []string {
	binding := func(t *corev1.Taint) bool {
		return t.Effect == corev1.TaintEffectNoSchedule || t.Effect == corev1.TaintEffectNoExecute
	}
	return func(s *spot) []string {
		taint, found := schedulinghelper.FindMatchingUntoleratedTaint(klog.Background(), s.node.Spec.Taints, seeker.pod.Spec.Tolerations, binding, false)
		if found {
			return []string{fmt.Sprintf("node(s) had untolerated taint {%s: %s}", taint.Key, taint.Value)}
		}
		return nil
	}
}

// selected wants a node that the pod's node selector and required affinity match.
func selected(seeker *resident) func(*spot) []string {
	affinity := nodeaffinity.GetRequiredNodeAffinity(seeker.pod)
	return func(s *spot) []string {
		// One that cannot be read matches nothing.
		if ok, err := affinity.Match(s.node); !ok || err != nil {
			return []string{"node(s) didn't match Pod's node affinity/selector"}
		}
		return nil
	}
}

// hostPort is a port of a node that a container takes.
type hostPort struct {
	ip       string
	protocol corev1.Protocol
	port     int32
}

// anyIP is what a host port without an address listens on.
const anyIP = "0.0.0.0"

// hostPorts are those of containers that run for as long as the pod: init
// containers that end have none.
func hostPorts(pod *corev1.Pod) []hostPort {
	var ports []hostPort
	add := func(c *corev1.Container) {
		for _, p := range c.Ports {
			if p.HostPort > 0 {
				ports = append(ports, hostPort{cmp.Or(p.HostIP, anyIP), cmp.Or(p.Protocol, corev1.ProtocolTCP), p.HostPort})
			}
		}
	}
	for i := range pod.Spec.Containers {
		add(&pod.Spec.Containers[i])
	}
	for i := range pod.Spec.InitContainers {
		if c := &pod.Spec.InitContainers[i]; ptr.Deref(c.RestartPolicy, "") == corev1.ContainerRestartPolicyAlways {
			add(c)
		}
	}
	return ports
}

func (p hostPort) clashes(q hostPort) bool {
	return p.port == q.port && p.protocol == q.protocol && (p.ip == q.ip || p.ip == anyIP || q.ip == anyIP)
}

// freePorts wants a node on which nobody has the pod's host ports.
func freePorts(seeker *resident) func(*spot) []string {
	wanted := hostPorts(seeker.pod)
	return func(s *spot) []string {
		if len(wanted) == 0 {
			return nil
		}
		for _, r := range s.pods {
			for _, taken := range hostPorts(r.pod) {
				if slices.ContainsFunc(wanted, taken.clashes) {
					return []string{"node(s) didn't have free ports for the requested pod ports"}
				}
			}
		}
		return nil
	}
}

// roomy wants a node with all that the pod requests, and says what is short.
func roomy(seeker *resident) func(*spot) []string {
	return func(s *spot) []string {
		var short []string
		if most, ok := s.node.Status.Allocatable[corev1.ResourcePods]; ok && int64(len(s.pods)) >= most.Value() {
			short = append(short, "Too many pods")
		}
		for name, wanted := range seeker.requests {
			left := s.node.Status.Allocatable[name].DeepCopy()
			left.Sub(s.requests[name])
			if !wanted.IsZero() && wanted.Cmp(left) > 0 {
				short = append(short, "Insufficient "+string(name))
			}
		}
		return short
	}
}
