package validation_test

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/utils/ptr"
)

func TestContainer(t *testing.T) {
	runPodCases(t, []podCase{
		{"no name", on(func(c *corev1.Container) { c.Name = "" }), []string{"spec.containers[0].name: Required value"}},
		{"bad name", on(func(c *corev1.Container) { c.Name = "a.b" }), []string{"spec.containers[0].name: Invalid value"}},
		{"name of the init container", on(func(c *corev1.Container) { c.Name = "init" }), []string{"spec.initContainers[0].name: Duplicate value"}},
		{"no image", on(func(c *corev1.Container) { c.Image = "" }), []string{"spec.containers[0].image: Required value"}},
		{"space around the image", on(func(c *corev1.Container) { c.Image = " nginx" }), []string{"spec.containers[0].image: Invalid value"}},
		{"pull policy", on(func(c *corev1.Container) { c.ImagePullPolicy = "Often" }), []string{"spec.containers[0].imagePullPolicy: Unsupported value"}},
		{"message policy", on(func(c *corev1.Container) { c.TerminationMessagePolicy = "" }), []string{"spec.containers[0].terminationMessagePolicy: Required value"}},
		{"restart rules", on(func(c *corev1.Container) {
			c.RestartPolicyRules = []corev1.ContainerRestartRule{{Action: "Restart", ExitCodes: &corev1.ContainerRestartRuleOnExitCodes{Operator: "In", Values: []int32{1, 1}}}, {}}
		}), []string{
			"spec.containers[0].restartPolicy: Required value", "spec.containers[0].restartPolicyRules[0].exitCodes.values[1]: Duplicate value",
			"spec.containers[0].restartPolicyRules[1].action: Required value", "spec.containers[0].restartPolicyRules[1].exitCodes: Required value",
		}},
		{"probe of an init container", func(p *corev1.Pod) {
			p.Spec.InitContainers[0].ReadinessProbe = p.Spec.Containers[0].LivenessProbe
		}, []string{"spec.initContainers[0].readinessProbe: Forbidden"}},
		{"probe of a side-car", func(p *corev1.Pod) {
			p.Spec.InitContainers[0].RestartPolicy = ptr.To(corev1.ContainerRestartPolicyAlways)
			p.Spec.InitContainers[0].ReadinessProbe = p.Spec.Containers[0].LivenessProbe
		}, nil},
		{"unclaimed device", on(func(c *corev1.Container) { c.Resources.Claims = []corev1.ResourceClaim{{Name: "gpu"}} }),
			[]string{"spec.containers[0].resources.claims[0].name: Not found"}},
		{"resize policy", on(func(c *corev1.Container) {
			c.ResizePolicy = []corev1.ContainerResizePolicy{{ResourceName: "gpu", RestartPolicy: "NotRequired"}}
		}), []string{"spec.containers[0].resizePolicy[0].resourceName: Unsupported value"}},
	})
}

func TestContainerPorts(t *testing.T) {
	ports := func(list ...corev1.ContainerPort) func(*corev1.Pod) {
		return on(func(c *corev1.Container) { c.Ports = list })
	}
	runPodCases(t, []podCase{
		{"absent number", ports(corev1.ContainerPort{Protocol: "TCP"}), []string{"spec.containers[0].ports[0].containerPort: Required value"}},
		{"number too high", ports(corev1.ContainerPort{ContainerPort: 65536, Protocol: "TCP"}), []string{"spec.containers[0].ports[0].containerPort: Invalid value"}},
		{"protocol", ports(corev1.ContainerPort{ContainerPort: 1, Protocol: "HTTP"}), []string{"spec.containers[0].ports[0].protocol: Unsupported value"}},
		{"name too long", ports(corev1.ContainerPort{ContainerPort: 1, Protocol: "TCP", Name: "abcdefghijklmnop"}), []string{"spec.containers[0].ports[0].name: Invalid value"}},
		{"name twice", ports(corev1.ContainerPort{ContainerPort: 1, Protocol: "TCP", Name: "a"}, corev1.ContainerPort{ContainerPort: 2, Protocol: "TCP", Name: "a"}),
			[]string{"spec.containers[0].ports[1].name: Duplicate value"}},
		{"host port", ports(corev1.ContainerPort{ContainerPort: 1, HostPort: -1, Protocol: "TCP"}), []string{"spec.containers[0].ports[0].hostPort: Invalid value"}},
		{"host port twice", ports(corev1.ContainerPort{ContainerPort: 1, HostPort: 9, Protocol: "TCP"}, corev1.ContainerPort{ContainerPort: 2, HostPort: 9, Protocol: "TCP"}),
			[]string{"spec.containers[0].ports[1].hostPort: Duplicate value"}},
		{"host port of two containers", func(p *corev1.Pod) {
			p.Spec.Containers[0].Ports = []corev1.ContainerPort{{ContainerPort: 1, HostPort: 9, Protocol: "TCP"}}
			second := p.Spec.Containers[0].DeepCopy()
			second.Name, second.Ports[0].Name = "second", ""
			p.Spec.Containers = append(p.Spec.Containers, *second)
			third := p.Spec.InitContainers[0].DeepCopy()
			third.Name, third.Ports = "third", append(second.Ports[:1:1], second.Ports[0])
			p.Spec.InitContainers = append(p.Spec.InitContainers, *third)
		}, []string{"spec.containers[1].ports[0].hostPort: Duplicate value", "spec.initContainers[1].ports[1].hostPort: Duplicate value"}},
		{"host port of two protocols", ports(corev1.ContainerPort{ContainerPort: 1, HostPort: 9, Protocol: "TCP"}, corev1.ContainerPort{ContainerPort: 2, HostPort: 9, Protocol: "UDP"}), nil},
		{"another port on the host's network", func(p *corev1.Pod) {
			p.Spec.HostNetwork = true
			p.Spec.Containers[0].Ports = []corev1.ContainerPort{{ContainerPort: 80, HostPort: 81, Protocol: "TCP"}}
		}, []string{"spec.containers[0].ports[0].hostPort: Invalid value"}},
	})
}

func TestContainerEnv(t *testing.T) {
	from := func(source corev1.EnvVarSource) func(*corev1.Pod) {
		return on(func(c *corev1.Container) { c.Env = []corev1.EnvVar{{Name: "A", ValueFrom: &source}} })
	}
	const at = "spec.containers[0].env[0].valueFrom"
	runPodCases(t, []podCase{
		{"no name", on(func(c *corev1.Container) { c.Env[0].Name = "" }), []string{"spec.containers[0].env[0].name: Required value"}},
		{"equals sign in name", on(func(c *corev1.Container) { c.Env[0].Name = "a=b" }), []string{"spec.containers[0].env[0].name: Invalid value"}},
		{"value and source", on(func(c *corev1.Container) { c.Env[1].Value = "x" }), []string{"spec.containers[0].env[1].valueFrom: Invalid value"}},
		{"no source", from(corev1.EnvVarSource{}), []string{at + ": Invalid value"}},
		{"two sources", from(corev1.EnvVarSource{
			SecretKeyRef:    &corev1.SecretKeySelector{LocalObjectReference: corev1.LocalObjectReference{Name: "s"}, Key: "k"},
			ConfigMapKeyRef: &corev1.ConfigMapKeySelector{LocalObjectReference: corev1.LocalObjectReference{Name: "s"}, Key: "k"},
		}), []string{at + ": Invalid value"}},
		{"reference without key", from(corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{}}),
			[]string{at + ".secretKeyRef.name: Required value", at + ".secretKeyRef.key: Required value"}},
		{"unknown field", from(corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{APIVersion: "v1", FieldPath: "spec.x"}}),
			[]string{at + ".fieldRef.fieldPath: Unsupported value"}},
		{"subscript where none is", from(corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{APIVersion: "v1", FieldPath: "metadata.name['x']"}}),
			[]string{at + ".fieldRef.fieldPath: Invalid value"}},
		{"bad label", from(corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{APIVersion: "v1", FieldPath: "metadata.labels['a b']"}}),
			[]string{at + ".fieldRef.fieldPath: Invalid value"}},
		{"unknown resource", from(corev1.EnvVarSource{ResourceFieldRef: &corev1.ResourceFieldSelector{Resource: "limits.gpu"}}),
			[]string{at + ".resourceFieldRef.resource: Unsupported value"}},
		{"divisor", from(corev1.EnvVarSource{ResourceFieldRef: &corev1.ResourceFieldSelector{Resource: "limits.cpu", Divisor: resource.MustParse("3m")}}),
			[]string{at + ".resourceFieldRef.divisor: Invalid value"}},
		{"field of another version", from(corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{APIVersion: "v2", FieldPath: "metadata.name"}}),
			[]string{at + ".fieldRef.fieldPath: Invalid value"}},
		{"no field", from(corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{APIVersion: "v1"}}), []string{at + ".fieldRef.fieldPath: Required value"}},
		{"half a subscript", from(corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{APIVersion: "v1", FieldPath: "metadata.labels']"}}),
			[]string{at + ".fieldRef.fieldPath: Unsupported value"}},
		{"annotation in capitals", from(corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{APIVersion: "v1", FieldPath: "metadata.annotations['A.example/B']"}}), nil},
		{"huge pages in parts", from(corev1.EnvVarSource{ResourceFieldRef: &corev1.ResourceFieldSelector{Resource: "limits.hugepages-2Mi", Divisor: resource.MustParse("3")}}),
			[]string{at + ".resourceFieldRef.divisor: Invalid value"}},
		{"file in no empty directory", from(corev1.EnvVarSource{FileKeyRef: &corev1.FileKeySelector{VolumeName: "api", Path: "../x", Key: "K"}}),
			[]string{at + ".fileKeyRef.volumeName: Invalid value", at + ".fileKeyRef.path: Invalid value"}},
		{"from nothing", on(func(c *corev1.Container) { c.EnvFrom = make([]corev1.EnvFromSource, 1) }), []string{"spec.containers[0].envFrom[0]: Invalid value"}},
		{"from the nameless", on(func(c *corev1.Container) {
			c.EnvFrom = []corev1.EnvFromSource{{Prefix: "=", ConfigMapRef: &corev1.ConfigMapEnvSource{}}}
		}), []string{"spec.containers[0].envFrom[0].prefix: Invalid value", "spec.containers[0].envFrom[0].configMapRef.name: Required value"}},
	})
}

func TestContainerResources(t *testing.T) {
	set := func(requests, limits corev1.ResourceList) func(*corev1.Pod) {
		return on(func(c *corev1.Container) {
			c.Resources = corev1.ResourceRequirements{Requests: requests, Limits: limits}
		})
	}
	const at = "spec.containers[0].resources"
	runPodCases(t, []podCase{
		{"negative", set(nil, quantities("cpu", "-1")), []string{at + ".limits[cpu]: Invalid value"}},
		{"unknown", set(quantities("disk", "1"), nil), []string{at + ".requests[disk]: Invalid value"}},
		{"request over limit", set(quantities("memory", "2Gi"), quantities("memory", "1Gi")), []string{at + ".requests: Invalid value"}},
		{"extended, unequal", set(quantities("example.com/gpu", "1"), quantities("example.com/gpu", "2")), []string{at + ".requests: Invalid value"}},
		{"extended, unlimited", set(quantities("example.com/gpu", "1"), nil), []string{at + ".limits: Required value"}},
		{"extended, in parts", set(nil, quantities("example.com/gpu", "500m")), []string{at + ".limits[example.com/gpu]: Invalid value"}},
		{"native domain", set(nil, quantities("kubernetes.io/gpu", "1")), []string{at + ".limits[kubernetes.io/gpu]: Invalid value"}},
		{"huge pages alone", set(quantities("hugepages-2Mi", "2Mi"), quantities("hugepages-2Mi", "2Mi")), []string{at + ": Forbidden"}},
	})
}

func TestContainerProbes(t *testing.T) {
	live := func(p corev1.Probe) func(*corev1.Pod) {
		return on(func(c *corev1.Container) { c.LivenessProbe = &p })
	}
	tcp := corev1.ProbeHandler{TCPSocket: &corev1.TCPSocketAction{Port: number(1)}}
	const at = "spec.containers[0].livenessProbe"
	runPodCases(t, []podCase{
		{"no handler", live(corev1.Probe{SuccessThreshold: 1}), []string{at + ": Required value"}},
		{"two handlers", live(corev1.Probe{SuccessThreshold: 1, ProbeHandler: corev1.ProbeHandler{
			Exec: &corev1.ExecAction{Command: []string{"true"}}, TCPSocket: tcp.TCPSocket,
		}}), []string{at + ".tcpSocket: Forbidden"}},
		{"no command", live(corev1.Probe{SuccessThreshold: 1, ProbeHandler: corev1.ProbeHandler{Exec: &corev1.ExecAction{}}}), []string{at + ".exec.command: Required value"}},
		{"bad HTTP", live(corev1.Probe{SuccessThreshold: 1, ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{
			Port: named("A"), Scheme: "ftp", HTTPHeaders: []corev1.HTTPHeader{{Name: "a b"}},
		}}}), []string{
			at + ".httpGet.path: Required value", at + ".httpGet.port: Invalid value", at + ".httpGet.port: Invalid value",
			at + ".httpGet.scheme: Unsupported value", at + ".httpGet.httpHeaders[0].name: Invalid value",
		}},
		{"port zero", live(corev1.Probe{SuccessThreshold: 1, ProbeHandler: corev1.ProbeHandler{GRPC: &corev1.GRPCAction{}}}), []string{at + ".grpc.port: Invalid value"}},
		{"negative numbers", live(corev1.Probe{ProbeHandler: tcp, InitialDelaySeconds: -1, TimeoutSeconds: -1, PeriodSeconds: -1, SuccessThreshold: -1, FailureThreshold: -1}), []string{
			at + ".initialDelaySeconds: Invalid value", at + ".timeoutSeconds: Invalid value", at + ".periodSeconds: Invalid value",
			at + ".successThreshold: Invalid value", at + ".successThreshold: Invalid value", at + ".failureThreshold: Invalid value",
		}},
		{"two successes", live(corev1.Probe{ProbeHandler: tcp, SuccessThreshold: 2}), []string{at + ".successThreshold: Invalid value"}},
		{"grace of readiness", on(func(c *corev1.Container) {
			c.ReadinessProbe = &corev1.Probe{ProbeHandler: tcp, TerminationGracePeriodSeconds: ptr.To(int64(1))}
		}), []string{"spec.containers[0].readinessProbe.terminationGracePeriodSeconds: Invalid value"}},
		{"hook without action", on(func(c *corev1.Container) { c.Lifecycle.PostStart = &corev1.LifecycleHandler{} }),
			[]string{"spec.containers[0].lifecycle.postStart: Required value"}},
		{"sleep longer than the grace", on(func(c *corev1.Container) { c.Lifecycle.PreStop.Sleep.Seconds = 31 }),
			[]string{"spec.containers[0].lifecycle.preStop.sleep.seconds: Invalid value"}},
		{"stop signal without a system", on(func(c *corev1.Container) { c.Lifecycle.StopSignal = ptr.To(corev1.SIGTERM) }),
			[]string{"spec.containers[0].lifecycle.stopSignal: Forbidden"}},
	})
}
