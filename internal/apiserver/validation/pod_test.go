package validation_test

import (
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/ptr"
)

func TestNewPod(t *testing.T) {
	runPodCases(t, []podCase{
		{"valid", func(*corev1.Pod) {}, nil},
		{"no name", func(p *corev1.Pod) { p.Name = "" }, []string{"metadata.name: Required value"}},
		{"name in capitals", func(p *corev1.Pod) { p.Name = "Web" }, []string{"metadata.name: Invalid value"}},
		{"annotations", func(p *corev1.Pod) {
			p.Annotations = map[string]string{corev1.MirrorPodAnnotationKey: "x", corev1.PodDeletionCost: "+5"}
		}, []string{
			"metadata.annotations[kubernetes.io/config.mirror]: Invalid value",
			"metadata.annotations[controller.kubernetes.io/pod-deletion-cost]: Invalid value",
		}},
		{"no containers", func(p *corev1.Pod) { p.Spec.Containers = nil }, []string{"spec.containers: Required value"}},
		{"ephemeral container on create", func(p *corev1.Pod) {
			p.Spec.EphemeralContainers = []corev1.EphemeralContainer{debugger("debug")}
		}, []string{"spec.ephemeralContainers: Forbidden"}},
		{"unknown restart policy", func(p *corev1.Pod) { p.Spec.RestartPolicy = "Sometimes" }, []string{"spec.restartPolicy: Unsupported value"}},
		{"no restart policy", func(p *corev1.Pod) { p.Spec.RestartPolicy = "" }, []string{"spec.restartPolicy: Required value"}},
		{"unknown DNS policy", func(p *corev1.Pod) { p.Spec.DNSPolicy = "x" }, []string{"spec.dnsPolicy: Unsupported value"}},
		{"DNS policy none without servers", func(p *corev1.Pod) { p.Spec.DNSPolicy = "None" }, []string{"spec.dnsConfig.nameservers: Required value"}},
		{"four name servers", func(p *corev1.Pod) {
			p.Spec.DNSConfig = &corev1.PodDNSConfig{Nameservers: []string{"10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"}}
		}, []string{"spec.dnsConfig.nameservers: Invalid value"}},
		{"name server no address", func(p *corev1.Pod) {
			p.Spec.DNSConfig = &corev1.PodDNSConfig{Nameservers: []string{"dns.example"}, Searches: []string{"a_b.example.", ".", "A"}}
		}, []string{"spec.dnsConfig.nameservers[0]: Invalid value", "spec.dnsConfig.searches[2]: Invalid value"}},
		{"searches without end", func(p *corev1.Pod) {
			p.Spec.DNSConfig = &corev1.PodDNSConfig{Searches: slices.Repeat([]string{strings.Repeat("a", 63)}, 33), Options: make([]corev1.PodDNSConfigOption, 1)}
		}, []string{"spec.dnsConfig.searches: Invalid value", "spec.dnsConfig.searches: Invalid value", "spec.dnsConfig.options[0]: Required value"}},
		{"another host name on the host's network", func(p *corev1.Pod) {
			p.Spec.HostNetwork, p.Spec.Containers[0].Ports = true, nil
			p.Spec.Containers[0].LivenessProbe = nil
			p.Spec.HostnameOverride, p.Spec.SetHostnameAsFQDN = ptr.To(strings.Repeat("a.", 32)+"a"), ptr.To(true)
		}, []string{"spec.hostnameOverride: Too long", "spec.hostnameOverride: Forbidden", "spec.hostnameOverride: Forbidden"}},
		{"negative grace period", func(p *corev1.Pod) { p.Spec.TerminationGracePeriodSeconds = ptr.To(int64(-1)) },
			[]string{"spec.containers[0].lifecycle.preStop.sleep.seconds: Invalid value", "spec.terminationGracePeriodSeconds: Invalid value"}},
		{"deadline of zero", func(p *corev1.Pod) { p.Spec.ActiveDeadlineSeconds = ptr.To(int64(0)) }, []string{"spec.activeDeadlineSeconds: Invalid value"}},
		{"bad names", func(p *corev1.Pod) {
			p.Spec.ServiceAccountName, p.Spec.NodeName, p.Spec.PriorityClassName = "A", "B", "C"
			p.Spec.RuntimeClassName, p.Spec.Hostname, p.Spec.Subdomain = ptr.To("D"), "e.f", "G"
		}, []string{
			"spec.serviceAccountName: Invalid value", "spec.nodeName: Invalid value", "spec.priorityClassName: Invalid value",
			"spec.runtimeClassName: Invalid value", "spec.hostname: Invalid value", "spec.subdomain: Invalid value",
		}},
		{"pull secret without name", func(p *corev1.Pod) { p.Spec.ImagePullSecrets = make([]corev1.LocalObjectReference, 1) },
			[]string{"spec.imagePullSecrets[0].name: Required value"}},
		{"host alias", func(p *corev1.Pod) {
			p.Spec.HostAliases = []corev1.HostAlias{{IP: "1.2.3", Hostnames: []string{"ok", "Not"}}}
		}, []string{"spec.hostAliases[0].ip: Invalid value", "spec.hostAliases[0].hostnames[1]: Invalid value"}},
		{"readiness gate", func(p *corev1.Pod) { p.Spec.ReadinessGates = []corev1.PodReadinessGate{{ConditionType: "a b"}} },
			[]string{"spec.readinessGates[0].conditionType: Invalid value"}},
		{"gated and placed", func(p *corev1.Pod) {
			p.Spec.SchedulingGates, p.Spec.NodeName = []corev1.PodSchedulingGate{{Name: "a"}, {Name: "a"}}, "n"
		}, []string{"spec.nodeName: Forbidden", "spec.schedulingGates[1]: Duplicate value"}},
		{"overhead", func(p *corev1.Pod) { p.Spec.Overhead = quantities("cpu", "-1", "disk", "1") },
			[]string{"spec.overhead[cpu]: Invalid value", "spec.overhead[disk]: Invalid value"}},
		{"pod resources", func(p *corev1.Pod) {
			p.Spec.Resources = &corev1.ResourceRequirements{Requests: quantities("cpu", "2", "ephemeral-storage", "1"), Limits: quantities("cpu", "1")}
		}, []string{"spec.resources.requests: Invalid value", "spec.resources.requests[ephemeral-storage]: Unsupported value"}},
		{"containers beyond the pod", func(p *corev1.Pod) {
			p.Spec.Resources = &corev1.ResourceRequirements{Requests: quantities("memory", "63Mi"), Limits: quantities("memory", "127Mi", "cpu", "1")}
		}, []string{"spec.resources.requests[memory]: Invalid value", "spec.containers[0].resources.limits[memory]: Invalid value"}},
		{"unknown system", func(p *corev1.Pod) { p.Spec.OS = &corev1.PodOS{Name: "plan9"} }, []string{"spec.os.name: Unsupported value"}},
		{"windows with host PID", func(p *corev1.Pod) { p.Spec.OS, p.Spec.HostPID = &corev1.PodOS{Name: "windows"}, true }, []string{"spec.hostPID: Forbidden"}},
		{"linux with options of windows", func(p *corev1.Pod) {
			p.Spec.OS = &corev1.PodOS{Name: "linux"}
			p.Spec.SecurityContext.WindowsOptions = &corev1.WindowsSecurityContextOptions{}
		}, []string{"spec.securityContext.windowsOptions: Forbidden"}},
		{"claim of no source", func(p *corev1.Pod) { p.Spec.ResourceClaims = []corev1.PodResourceClaim{{Name: "gpu"}} }, []string{"spec.resourceClaims[0]: Invalid value"}},
	})
}

func TestPodPlacement(t *testing.T) {
	runPodCases(t, []podCase{
		{"node selector", func(p *corev1.Pod) { p.Spec.NodeSelector = map[string]string{"a": "b c"} }, []string{"spec.nodeSelector: Invalid value"}},
		{"toleration of all that is no Exists", func(p *corev1.Pod) { p.Spec.Tolerations = make([]corev1.Toleration, 1) },
			[]string{"spec.tolerations[0].operator: Invalid value"}},
		{"toleration time without NoExecute", func(p *corev1.Pod) {
			p.Spec.Tolerations[0].Effect, p.Spec.Tolerations[0].TolerationSeconds = "NoSchedule", ptr.To(int64(1))
		}, []string{"spec.tolerations[0].effect: Invalid value"}},
		{"toleration value with Exists", func(p *corev1.Pod) { p.Spec.Tolerations[0].Value = "x" }, []string{"spec.tolerations[0].operator: Invalid value"}},
		{"unknown toleration", func(p *corev1.Pod) { p.Spec.Tolerations[0].Operator, p.Spec.Tolerations[0].Effect = "Like", "Maybe" },
			[]string{"spec.tolerations[0].operator: Unsupported value", "spec.tolerations[0].effect: Unsupported value"}},
		{"toleration compares no number", func(p *corev1.Pod) { p.Spec.Tolerations[0].Operator, p.Spec.Tolerations[0].Value = "Lt", "x" },
			[]string{"spec.tolerations[0].value: Invalid value"}},
		{"spread", func(p *corev1.Pod) {
			p.Spec.TopologySpreadConstraints = []corev1.TopologySpreadConstraint{
				{MaxSkew: 0, TopologyKey: "", WhenUnsatisfiable: "Perhaps"},
				{MaxSkew: 1, TopologyKey: "z", WhenUnsatisfiable: "ScheduleAnyway", MinDomains: ptr.To(int32(1))},
				{MaxSkew: 1, TopologyKey: "z", WhenUnsatisfiable: "ScheduleAnyway", MatchLabelKeys: []string{"a"}},
			}
		}, []string{
			"spec.topologySpreadConstraints[0].maxSkew: Invalid value",
			"spec.topologySpreadConstraints[0].topologyKey: Required value",
			"spec.topologySpreadConstraints[0].whenUnsatisfiable: Unsupported value",
			"spec.topologySpreadConstraints[1].minDomains: Invalid value",
			"spec.topologySpreadConstraints[2].{topologyKey, whenUnsatisfiable}: Duplicate value",
			"spec.topologySpreadConstraints[2].matchLabelKeys: Forbidden",
		}},
		{"node affinity", func(p *corev1.Pod) {
			a := p.Spec.Affinity.NodeAffinity
			a.RequiredDuringSchedulingIgnoredDuringExecution.NodeSelectorTerms[0] = corev1.NodeSelectorTerm{
				MatchExpressions: []corev1.NodeSelectorRequirement{
					{Key: "a", Operator: "In"}, {Key: "a", Operator: "Exists", Values: []string{"x"}}, {Key: "a", Operator: "Gt"}, {Key: "a", Operator: "?"},
				},
				MatchFields: []corev1.NodeSelectorRequirement{{Key: "spec.x", Operator: "In", Values: []string{"a"}}},
			}
			a.PreferredDuringSchedulingIgnoredDuringExecution = []corev1.PreferredSchedulingTerm{{Weight: 101}}
		}, []string{
			"spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchExpressions[0].values: Required value",
			"spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchExpressions[1].values: Forbidden",
			"spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchExpressions[2].values: Required value",
			"spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchExpressions[3].operator: Invalid value",
			"spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchFields[0].key: Invalid value",
			"spec.affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].weight: Invalid value",
		}},
		{"node affinity by field", func(p *corev1.Pod) {
			p.Spec.Affinity.NodeAffinity = &corev1.NodeAffinity{PreferredDuringSchedulingIgnoredDuringExecution: []corev1.PreferredSchedulingTerm{
				{Weight: 1, Preference: corev1.NodeSelectorTerm{MatchFields: []corev1.NodeSelectorRequirement{
					{Key: "metadata.name", Operator: "In", Values: []string{"a", "B"}}, {Key: "metadata.name", Operator: "Exists"},
				}}},
			}}
		}, []string{
			"spec.affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].preference.matchFields[0].values: Required value",
			"spec.affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].preference.matchFields[0].values[1]: Invalid value",
			"spec.affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].preference.matchFields[1].operator: Invalid value",
		}},
		{"no node selector term", func(p *corev1.Pod) {
			p.Spec.Affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution.NodeSelectorTerms = nil
		}, []string{"spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms: Required value"}},
		{"pod affinity", func(p *corev1.Pod) {
			p.Spec.Affinity.PodAntiAffinity.RequiredDuringSchedulingIgnoredDuringExecution[0] = corev1.PodAffinityTerm{
				Namespaces:    []string{"A"},
				LabelSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"-": ""}},
			}
		}, []string{
			"spec.affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution[0].topologyKey: Required value",
			"spec.affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution[0].namespaces[0]: Invalid value",
			"spec.affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution[0].labelSelector.matchLabels: Invalid value",
		}},
	})
}

func TestPodSecurity(t *testing.T) {
	runPodCases(t, []podCase{
		{"users and groups", func(p *corev1.Pod) {
			p.Spec.SecurityContext = &corev1.PodSecurityContext{
				RunAsUser: ptr.To(int64(-1)), RunAsGroup: ptr.To(int64(1) << 31), FSGroup: ptr.To(int64(-1)), SupplementalGroups: []int64{0, -1},
			}
		}, []string{
			"spec.securityContext.runAsUser: Invalid value", "spec.securityContext.runAsGroup: Invalid value",
			"spec.securityContext.fsGroup: Invalid value", "spec.securityContext.supplementalGroups[1]: Invalid value",
		}},
		{"sysctls", func(p *corev1.Pod) {
			p.Spec.HostNetwork, p.Spec.HostIPC = true, true
			for i := range p.Spec.Containers[0].Ports {
				port := &p.Spec.Containers[0].Ports[i]
				port.HostPort = port.ContainerPort
			}
			p.Spec.SecurityContext.Sysctls = []corev1.Sysctl{{Name: ""}, {Name: "Net"}, {Name: "net.core.somaxconn"}, {Name: "kernel/shmmax"}, {Name: "vm.x"}, {Name: "vm/x"}}
		}, []string{
			"spec.securityContext.sysctls[0].name: Required value", "spec.securityContext.sysctls[1].name: Invalid value",
			"spec.securityContext.sysctls[2].name: Invalid value", "spec.securityContext.sysctls[3].name: Invalid value",
			"spec.securityContext.sysctls[5].name: Duplicate value",
		}},
		{"process namespaces", func(p *corev1.Pod) { p.Spec.HostPID, p.Spec.ShareProcessNamespace = true, ptr.To(true) },
			[]string{"spec.shareProcessNamespace: Invalid value"}},
		{"own users in the host's namespaces", func(p *corev1.Pod) { p.Spec.HostPID, p.Spec.HostUsers = true, ptr.To(false) }, []string{"spec.hostPID: Forbidden"}},
		{"seccomp", func(p *corev1.Pod) {
			p.Spec.SecurityContext.SeccompProfile = &corev1.SeccompProfile{Type: "Localhost"}
			p.Spec.Containers[0].SecurityContext = &corev1.SecurityContext{SeccompProfile: &corev1.SeccompProfile{Type: "RuntimeDefault", LocalhostProfile: ptr.To("x")}}
		}, []string{
			"spec.securityContext.seccompProfile.localhostProfile: Required value",
			"spec.containers[0].securityContext.seccompProfile.localhostProfile: Invalid value",
		}},
		{"app armor", on(func(c *corev1.Container) {
			c.SecurityContext = &corev1.SecurityContext{AppArmorProfile: &corev1.AppArmorProfile{Type: "Localhost"}}
		}), []string{"spec.containers[0].securityContext.appArmorProfile.localhostProfile: Required value"}},
		{"app armor not local", on(func(c *corev1.Container) {
			c.SecurityContext = &corev1.SecurityContext{AppArmorProfile: &corev1.AppArmorProfile{Type: "Unconfined", LocalhostProfile: ptr.To("x")}}
		}), []string{"spec.containers[0].securityContext.appArmorProfile.localhostProfile: Invalid value"}},
		{"profiles of no type", on(func(c *corev1.Container) {
			c.SecurityContext = &corev1.SecurityContext{AppArmorProfile: &corev1.AppArmorProfile{}, SeccompProfile: &corev1.SeccompProfile{}}
		}), []string{"spec.containers[0].securityContext.appArmorProfile.type: Required value", "spec.containers[0].securityContext.seccompProfile.type: Required value"}},
		{"seccomp profile elsewhere", func(p *corev1.Pod) {
			p.Spec.SecurityContext.SeccompProfile = &corev1.SeccompProfile{Type: "Localhost", LocalhostProfile: ptr.To("../x")}
		}, []string{"spec.securityContext.seccompProfile.localhostProfile: Invalid value"}},
		{"privileged without escalation", on(func(c *corev1.Container) {
			c.SecurityContext = &corev1.SecurityContext{Privileged: ptr.To(true), AllowPrivilegeEscalation: ptr.To(false)}
		}), []string{"spec.containers[0].securityContext: Invalid value"}},
		{"administrator without escalation", on(func(c *corev1.Container) {
			c.SecurityContext = &corev1.SecurityContext{AllowPrivilegeEscalation: ptr.To(false), Capabilities: &corev1.Capabilities{Add: []corev1.Capability{"CAP_SYS_ADMIN"}}}
		}), []string{"spec.containers[0].securityContext: Invalid value"}},
		{"unmasked proc", on(func(c *corev1.Container) {
			c.SecurityContext = &corev1.SecurityContext{ProcMount: ptr.To(corev1.UnmaskedProcMount)}
		}), []string{"spec.containers[0].securityContext.procMount: Invalid value"}},
	})
}

// debugger is a defaulted ephemeral container.
func debugger(name string) corev1.EphemeralContainer {
	return corev1.EphemeralContainer{EphemeralContainerCommon: corev1.EphemeralContainerCommon{
		Name: name, Image: "busybox:1", ImagePullPolicy: "IfNotPresent", TerminationMessagePolicy: "File",
	}}
}

func number(port int32) intstr.IntOrString { return intstr.FromInt32(port) }
