package validation_test

import (
	"strings"
	"testing"

	autoscalingv1 "k8s.io/api/autoscaling/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
)

// storedPod is the valid pod as it comes back from storage.
func storedPod(t *testing.T) *corev1.Pod {
	t.Helper()
	pod := validPod(t, podScheme(t))
	pod.ResourceVersion, pod.UID = "1", types.UID("u")
	return pod
}

func TestPodUpdate(t *testing.T) {
	for _, c := range []struct {
		name   string
		old    func(*corev1.Pod)
		change func(*corev1.Pod)
		want   []string
	}{
		{"nothing", nil, func(*corev1.Pod) {}, nil},
		{"labels", nil, func(p *corev1.Pod) { p.Labels["x"] = "y" }, nil},
		{"images", nil, func(p *corev1.Pod) {
			p.Spec.Containers[0].Image, p.Spec.InitContainers[0].Image = "nginx:2", "busybox:2"
		}, nil},
		{"image to nothing", nil, func(p *corev1.Pod) { p.Spec.Containers[0].Image = "" }, []string{"spec.containers[0].image: Required value"}},
		{"another toleration", nil, func(p *corev1.Pod) {
			p.Spec.Tolerations = append(p.Spec.Tolerations, corev1.Toleration{Key: "b", Operator: "Exists"})
		}, nil},
		{"time of a toleration", nil, func(p *corev1.Pod) { p.Spec.Tolerations[0].TolerationSeconds = ptr.To(int64(5)) }, nil},
		{"toleration taken away", nil, func(p *corev1.Pod) { p.Spec.Tolerations = nil }, []string{"spec.tolerations: Forbidden"}},
		{"first deadline", nil, func(p *corev1.Pod) { p.Spec.ActiveDeadlineSeconds = ptr.To(int64(5)) }, nil},
		{"later deadline", func(p *corev1.Pod) { p.Spec.ActiveDeadlineSeconds = ptr.To(int64(5)) },
			func(p *corev1.Pod) { p.Spec.ActiveDeadlineSeconds = ptr.To(int64(6)) }, []string{"spec.activeDeadlineSeconds: Invalid value"}},
		{"no more deadline", func(p *corev1.Pod) { p.Spec.ActiveDeadlineSeconds = ptr.To(int64(5)) },
			func(p *corev1.Pod) { p.Spec.ActiveDeadlineSeconds = nil }, []string{"spec.activeDeadlineSeconds: Invalid value"}},
		{"negative grace period mended", func(p *corev1.Pod) {
			p.Spec.TerminationGracePeriodSeconds, p.Spec.Containers[0].Lifecycle = ptr.To(int64(-1)), nil
		}, func(p *corev1.Pod) { p.Spec.TerminationGracePeriodSeconds = ptr.To(int64(1)) }, nil},
		{"another grace period", nil, func(p *corev1.Pod) { p.Spec.TerminationGracePeriodSeconds = ptr.To(int64(31)) }, []string{"spec: Forbidden"}},
		{"another container", nil, func(p *corev1.Pod) { p.Spec.Containers = append(p.Spec.Containers, p.Spec.InitContainers[0]) },
			[]string{"spec.containers: Forbidden", "spec.initContainers[0].name: Duplicate value"}},
		{"node", nil, func(p *corev1.Pod) { p.Spec.NodeName = "n" }, []string{"spec: Forbidden"}},
		{"environment", nil, func(p *corev1.Pod) { p.Spec.Containers[0].Env[0].Value = "y" }, []string{"spec: Forbidden"}},
		{"gate opened", gated, func(p *corev1.Pod) { p.Spec.SchedulingGates = nil }, nil},
		{"gate added", gated, func(p *corev1.Pod) {
			p.Spec.SchedulingGates = append(p.Spec.SchedulingGates, corev1.PodSchedulingGate{Name: "b"})
		},
			[]string{"spec.schedulingGates[1].name: Forbidden"}},
		{"gated pod's nodes narrowed", gated, func(p *corev1.Pod) { p.Spec.NodeSelector = map[string]string{"a": "b", "c": "d"} }, nil},
		{"gated pod's nodes widened", gated, func(p *corev1.Pod) { p.Spec.NodeSelector = nil }, []string{"spec: Forbidden"}},
		{"service account by its older name", nil, func(p *corev1.Pod) { p.Spec.DeprecatedServiceAccount = "x" }, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			old := storedPod(t)
			if c.old != nil {
				c.old(old)
			}
			pod := old.DeepCopy()
			c.change(pod)
			wantFaults(t, rulesOf("pods").Update(pod, old), c.want...)
		})
	}
}

func gated(p *corev1.Pod) {
	p.Spec.SchedulingGates = []corev1.PodSchedulingGate{{Name: "a"}}
	p.Spec.NodeSelector = map[string]string{"a": "b"}
}

func TestPodUpdateSaysWhatMayChange(t *testing.T) {
	old := storedPod(t)
	pod := old.DeepCopy()
	pod.Spec.Hostname = "other"
	errs := rulesOf("pods").Update(pod, old)
	if len(errs) != 1 {
		t.Fatalf("errors: %v", errs)
	}
	const want = "spec: Forbidden: pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`"
	if got := errs[0].Error(); !strings.HasPrefix(got, want) || !strings.Contains(got, "other") {
		t.Errorf("error %q, want prefix %q and the difference", got, want)
	}
}

func TestPodStatus(t *testing.T) {
	ended := func(code int32) corev1.ContainerStatus {
		return corev1.ContainerStatus{Name: "web", State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: code}}}
	}
	running := corev1.ContainerStatus{Name: "web", State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}}
	for _, c := range []struct {
		name     string
		policy   corev1.RestartPolicy
		was, now corev1.PodStatus
		node     string
		want     []string
	}{
		{name: "addresses", now: corev1.PodStatus{PodIPs: []corev1.PodIP{{IP: "10.0.0.1"}, {IP: "fd00::1"}}}},
		{name: "two of a family", now: corev1.PodStatus{PodIPs: []corev1.PodIP{{IP: "10.0.0.1"}, {IP: "10.0.0.2"}}}, want: []string{"status.podIPs: Invalid value"}},
		{name: "no address", now: corev1.PodStatus{HostIPs: []corev1.HostIP{{IP: "x"}}}, want: []string{"status.hostIPs[0].ip: Invalid value"}},
		{name: "node", node: "n", want: []string{"status.nodeName: Forbidden"}},
		{name: "restarted", policy: "Always", was: corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{ended(0)}}, now: corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{running}}},
		{name: "restarted after failure", policy: "OnFailure", was: corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{ended(1)}}, now: corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{running}}},
		{name: "restarted after success", policy: "OnFailure", was: corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{ended(0)}}, now: corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{running}},
			want: []string{"status.containerStatuses[0].state: Forbidden"}},
		{name: "restarted against policy", policy: "Never", was: corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{ended(1)}}, now: corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{running}},
			want: []string{"status.containerStatuses[0].state: Forbidden"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			old := storedPod(t)
			old.Spec.RestartPolicy, old.Status = c.policy, c.was
			pod := old.DeepCopy()
			pod.Status, pod.Spec.NodeName = c.now, c.node
			wantFaults(t, rulesOf("pods").Status(pod, old), c.want...)
		})
	}
}

func TestEphemeralContainers(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*corev1.PodSpec)
		want   []string
	}{
		{"another", func(s *corev1.PodSpec) { s.EphemeralContainers = append(s.EphemeralContainers, debugger("second")) }, nil},
		{"removed", func(s *corev1.PodSpec) { s.EphemeralContainers = nil }, []string{"spec.ephemeralContainers: Forbidden"}},
		{"changed", func(s *corev1.PodSpec) { s.EphemeralContainers[0].Image = "other" }, []string{"spec.ephemeralContainers: Forbidden"}},
		{"name of a container", func(s *corev1.PodSpec) { s.EphemeralContainers = append(s.EphemeralContainers, debugger("web")) },
			[]string{"spec.ephemeralContainers[1].name: Duplicate value"}},
		{"target", func(s *corev1.PodSpec) {
			e := debugger("second")
			e.TargetContainerName = "nobody"
			s.EphemeralContainers = append(s.EphemeralContainers, e)
		}, []string{"spec.ephemeralContainers[1].targetContainerName: Not found"}},
		{"ports, resources and probes", func(s *corev1.PodSpec) {
			e := debugger("second")
			e.Ports, e.Resources.Limits, e.LivenessProbe = make([]corev1.ContainerPort, 1), quantities("cpu", "1"), &corev1.Probe{}
			s.EphemeralContainers = append(s.EphemeralContainers, e)
		}, []string{
			"spec.ephemeralContainers[1].ports: Forbidden", "spec.ephemeralContainers[1].resources: Forbidden",
			"spec.ephemeralContainers[1].livenessProbe: Forbidden",
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			old := storedPod(t)
			old.Spec.EphemeralContainers = []corev1.EphemeralContainer{debugger("first")}
			pod := old.DeepCopy()
			c.change(&pod.Spec)
			wantFaults(t, rulesOf("pods/ephemeralcontainers").Update(pod, old), c.want...)
		})
	}
}

func TestPodSubresources(t *testing.T) {
	bind := rulesOf("pods/binding").Create
	wantFaults(t, bind(&corev1.Binding{Target: corev1.ObjectReference{Kind: "Node", Name: "n"}}))
	wantFaults(t, bind(&corev1.Binding{Target: corev1.ObjectReference{Kind: "Pod"}}), "target.kind: Unsupported value", "target.name: Required value")

	evict := rulesOf("pods/eviction").Create
	wantFaults(t, evict(&policyv1.Eviction{}))
	wantFaults(t, evict(&policyv1.Eviction{DeleteOptions: &metav1.DeleteOptions{DryRun: []string{"None"}}}), "dryRun: Unsupported value")

	scale := &autoscalingv1.Scale{ObjectMeta: metav1.ObjectMeta{Name: "web", Namespace: "default"}, Spec: autoscalingv1.ScaleSpec{Replicas: -1}}
	wantFaults(t, rulesOf("replicationcontrollers/scale").Update(scale, scale), "spec.replicas: Invalid value")
}
