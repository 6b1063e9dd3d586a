package validation_test

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/ptr"

	"github.com/causeway-access/causeway/internal/apiserver/validation"
)

const webService = `{apiVersion: v1, kind: Service, metadata: {name: web, namespace: default},
spec: {selector: {app: web}, ports: [{name: http, port: 80, targetPort: web}, {name: dns, port: 53, protocol: UDP}]}}`

func TestServiceIsRefusedWhenCreated(t *testing.T) {
	creations(t, core("services"), webService, []change[*corev1.Service]{
		{"a name that is no DNS-1035 label", func(s *corev1.Service) { s.Name = "1web" }, []string{invalid + " metadata.name"}},
		{"no ports", func(s *corev1.Service) { s.Spec.Ports = nil }, []string{required + " spec.ports"}},
		{"no ports, headless", func(s *corev1.Service) {
			s.Spec.Ports, s.Spec.ClusterIP, s.Spec.ClusterIPs = nil, "None", []string{"None"}
		}, nil},
		{"several ports, one without name", func(s *corev1.Service) { s.Spec.Ports[1].Name = "" }, []string{required + " spec.ports[1].name"}},
		{"one port without name", func(s *corev1.Service) { s.Spec.Ports = s.Spec.Ports[:1]; s.Spec.Ports[0].Name = "" }, nil},
		{"same name twice", func(s *corev1.Service) { s.Spec.Ports[1].Name = "http" }, []string{duplicate + " spec.ports[1].name"}},
		{"same port and protocol twice", func(s *corev1.Service) {
			s.Spec.Ports[1].Port, s.Spec.Ports[1].Protocol = 80, corev1.ProtocolTCP
		}, []string{duplicate + " spec.ports[1]"}},
		{"same port, other protocol", func(s *corev1.Service) { s.Spec.Ports[1].Port = 80 }, nil},
		{"port 0", func(s *corev1.Service) { s.Spec.Ports[0].Port = 0 }, []string{invalid + " spec.ports[0].port"}},
		{"port 65536", func(s *corev1.Service) { s.Spec.Ports[0].Port = 65536 }, []string{invalid + " spec.ports[0].port"}},
		{"target port out of range", func(s *corev1.Service) { s.Spec.Ports[0].TargetPort = intstr.FromInt32(70000) }, []string{invalid + " spec.ports[0].targetPort"}},
		{"target port with a bad name", func(s *corev1.Service) { s.Spec.Ports[0].TargetPort = intstr.FromString("a_b") }, []string{invalid + " spec.ports[0].targetPort"}},
		{"unknown protocol", func(s *corev1.Service) { s.Spec.Ports[0].Protocol = "ICMP" }, []string{unsupported + " spec.ports[0].protocol"}},
		{"bad appProtocol", func(s *corev1.Service) { s.Spec.Ports[0].AppProtocol = ptr.To("a b") }, []string{invalid + " spec.ports[0].appProtocol"}},
		{"node port on a cluster IP", func(s *corev1.Service) { s.Spec.Ports[0].NodePort = 30000 }, []string{forbidden + " spec.ports[0].nodePort"}},
		{"node port twice", func(s *corev1.Service) {
			asNodePort(s)
			s.Spec.Ports[1].Protocol = corev1.ProtocolTCP
			s.Spec.Ports[0].NodePort, s.Spec.Ports[1].NodePort = 30000, 30000
		}, []string{duplicate + " spec.ports[1].nodePort"}},
		{"same node port, other protocol", func(s *corev1.Service) {
			asNodePort(s)
			s.Spec.Ports[0].NodePort, s.Spec.Ports[1].NodePort = 30000, 30000
		}, nil},
		{"the nodes' own port balanced", func(s *corev1.Service) { asBalancer(s); s.Spec.Ports[0].Port = 10250 }, []string{invalid + " spec.ports[0]"}},
		{"bad selector", func(s *corev1.Service) { s.Spec.Selector = map[string]string{"app": "a b"} }, []string{invalid + " spec.selector"}},
		{"unknown type", func(s *corev1.Service) { s.Spec.Type = "Magic" }, []string{unsupported + " spec.type"}},
		{"no type", func(s *corev1.Service) { s.Spec.Type = "" }, []string{required + " spec.type"}},
		{"node port and headless", func(s *corev1.Service) {
			asNodePort(s)
			s.Spec.ClusterIP, s.Spec.ClusterIPs = "None", []string{"None"}
		}, []string{invalid + " spec.clusterIPs[0]"}},
	})
}

func TestServiceAddressesAreChecked(t *testing.T) {
	ips := func(list ...string) func(*corev1.Service) {
		return func(s *corev1.Service) { s.Spec.ClusterIP, s.Spec.ClusterIPs = list[0], list }
	}
	external := func(ip string) func(*corev1.Service) {
		return func(s *corev1.Service) {
			s.Spec.ExternalIPs, s.Spec.ExternalTrafficPolicy = []string{ip}, corev1.ServiceExternalTrafficPolicyCluster
		}
	}
	creations(t, core("services"), webService, []change[*corev1.Service]{
		{"an address", ips("10.96.0.10"), nil},
		{"one of each family", ips("10.96.0.10", "fd00::10"), nil},
		{"no address at all", ips("ten"), []string{invalid + " spec.clusterIPs[0]"}},
		{"leading zeros", ips("10.096.0.10"), []string{invalid + " spec.clusterIPs[0]"}},
		{"two of one family", ips("10.96.0.10", "10.96.0.11"), []string{invalid + " spec.clusterIPs"}},
		{"three", ips("10.96.0.10", "fd00::10", "10.96.0.11"), []string{invalid + " spec.clusterIPs"}},
		{"None and an address", ips("None", "10.96.0.10"), []string{invalid + " spec.clusterIPs"}},
		{"fields that differ", func(s *corev1.Service) {
			s.Spec.ClusterIP, s.Spec.ClusterIPs = "10.96.0.10", []string{"10.96.0.11"}
		}, []string{invalid + " spec.clusterIPs"}},
		{"list without the older field", func(s *corev1.Service) { s.Spec.ClusterIPs = []string{"10.96.0.11"} }, []string{invalid + " spec.clusterIPs"}},
		{"family that the address has not", func(s *corev1.Service) {
			ips("10.96.0.10")(s)
			s.Spec.IPFamilies = []corev1.IPFamily{corev1.IPv6Protocol}
		}, []string{invalid + " spec.clusterIPs[0]"}},
		{"unknown family", func(s *corev1.Service) { s.Spec.IPFamilies = []corev1.IPFamily{"IPv5"} }, []string{unsupported + " spec.ipFamilies[0]"}},
		{"a family twice", func(s *corev1.Service) {
			s.Spec.IPFamilies = []corev1.IPFamily{corev1.IPv4Protocol, corev1.IPv4Protocol}
		}, []string{duplicate + " spec.ipFamilies[1]"}},
		{"unknown family policy", func(s *corev1.Service) { s.Spec.IPFamilyPolicy = ptr.To[corev1.IPFamilyPolicy]("Both") }, []string{unsupported + " spec.ipFamilyPolicy"}},
		{"external address", external("203.0.113.1"), nil},
		{"external loopback", external("127.0.0.1"), []string{invalid + " spec.externalIPs[0]"}},
		{"external link-local", external("169.254.169.254"), []string{invalid + " spec.externalIPs[0]"}},
		{"external link-local multicast", external("224.0.0.1"), []string{invalid + " spec.externalIPs[0]"}},
		{"external unspecified", external("0.0.0.0"), []string{invalid + " spec.externalIPs[0]"}},
		{"external mapped loopback", external("::ffff:127.0.0.1"), []string{invalid + " spec.externalIPs[0]"}},
		{"external name as address", external("example.org"), []string{invalid + " spec.externalIPs[0]"}},
	})
}

func asNodePort(s *corev1.Service) {
	s.Spec.Type, s.Spec.ExternalTrafficPolicy = corev1.ServiceTypeNodePort, corev1.ServiceExternalTrafficPolicyCluster
}

func asBalancer(s *corev1.Service) {
	asNodePort(s)
	s.Spec.Type, s.Spec.AllocateLoadBalancerNodePorts = corev1.ServiceTypeLoadBalancer, ptr.To(true)
}

func TestServiceTrafficIsChecked(t *testing.T) {
	affinity := func(seconds *int32) func(*corev1.Service) {
		return func(s *corev1.Service) {
			s.Spec.SessionAffinity = corev1.ServiceAffinityClientIP
			s.Spec.SessionAffinityConfig = &corev1.SessionAffinityConfig{ClientIP: &corev1.ClientIPConfig{TimeoutSeconds: seconds}}
		}
	}
	const timeout = " spec.sessionAffinityConfig.clientIP.timeoutSeconds"
	creations(t, core("services"), webService, []change[*corev1.Service]{
		{"unknown affinity", func(s *corev1.Service) { s.Spec.SessionAffinity = "Cookie" }, []string{unsupported + " spec.sessionAffinity"}},
		{"affinity of a day", affinity(ptr.To[int32](86400)), nil},
		{"affinity of more", affinity(ptr.To[int32](86401)), []string{invalid + timeout}},
		{"affinity of nothing", affinity(ptr.To[int32](0)), []string{invalid + timeout}},
		{"affinity without time", affinity(nil), []string{required + timeout}},
		{"affinity without configuration", func(s *corev1.Service) { s.Spec.SessionAffinity = corev1.ServiceAffinityClientIP }, []string{required + " spec.sessionAffinityConfig"}},
		{"configuration without affinity", func(s *corev1.Service) { s.Spec.SessionAffinityConfig = &corev1.SessionAffinityConfig{} }, []string{forbidden + " spec.sessionAffinityConfig"}},
		{"external policy inside", func(s *corev1.Service) { s.Spec.ExternalTrafficPolicy = "Local" }, []string{invalid + " spec.externalTrafficPolicy"}},
		{"no external policy outside", func(s *corev1.Service) { asNodePort(s); s.Spec.ExternalTrafficPolicy = "" }, []string{required + " spec.externalTrafficPolicy"}},
		{"unknown external policy", func(s *corev1.Service) { asNodePort(s); s.Spec.ExternalTrafficPolicy = "Here" }, []string{unsupported + " spec.externalTrafficPolicy"}},
		{"no internal policy", func(s *corev1.Service) { s.Spec.InternalTrafficPolicy = nil }, []string{required + " spec.internalTrafficPolicy"}},
		{"unknown internal policy", func(s *corev1.Service) {
			s.Spec.InternalTrafficPolicy = ptr.To[corev1.ServiceInternalTrafficPolicy]("Here")
		}, []string{unsupported + " spec.internalTrafficPolicy"}},
		{"unknown distribution", func(s *corev1.Service) { s.Spec.TrafficDistribution = ptr.To("Near") }, []string{unsupported + " spec.trafficDistribution"}},
		{"health port without balancer", func(s *corev1.Service) { asNodePort(s); s.Spec.HealthCheckNodePort = 30001 }, []string{invalid + " spec.healthCheckNodePort"}},
		{"health port of a local balancer", func(s *corev1.Service) {
			asBalancer(s)
			s.Spec.ExternalTrafficPolicy, s.Spec.HealthCheckNodePort = "Local", 30001
		}, nil},
		{"class without balancer", func(s *corev1.Service) { s.Spec.LoadBalancerClass = ptr.To("example.org/lb") }, []string{forbidden + " spec.loadBalancerClass"}},
		{"bad class", func(s *corev1.Service) { asBalancer(s); s.Spec.LoadBalancerClass = ptr.To("a b") }, []string{invalid + " spec.loadBalancerClass"}},
		{"sources without balancer", func(s *corev1.Service) { s.Spec.LoadBalancerSourceRanges = []string{"10.0.0.0/8"} }, []string{forbidden + " spec.loadBalancerSourceRanges"}},
		{"bad sources", func(s *corev1.Service) { asBalancer(s); s.Spec.LoadBalancerSourceRanges = []string{"10.0.0.0"} }, []string{invalid + " spec.loadBalancerSourceRanges[0]"}},
		{"bad sources in the annotation", func(s *corev1.Service) {
			asBalancer(s)
			s.Annotations = map[string]string{corev1.AnnotationLoadBalancerSourceRangesKey: "10.0.0.0/8, x"}
		}, []string{invalid + " metadata.annotations[service.beta.kubernetes.io/load-balancer-source-ranges]"}},
		{"node ports undecided", func(s *corev1.Service) { asBalancer(s); s.Spec.AllocateLoadBalancerNodePorts = nil }, []string{required + " spec.allocateLoadBalancerNodePorts"}},
		{"node ports decided for nobody", func(s *corev1.Service) { s.Spec.AllocateLoadBalancerNodePorts = ptr.To(true) }, []string{forbidden + " spec.allocateLoadBalancerNodePorts"}},
	})
}

func TestExternalNameServiceIsOnlyAName(t *testing.T) {
	const manifest = `{apiVersion: v1, kind: Service, metadata: {name: db, namespace: default}, spec: {type: ExternalName, externalName: db.example.org.}}`
	creations(t, core("services"), manifest, []change[*corev1.Service]{
		{"no name", func(s *corev1.Service) { s.Spec.ExternalName = "" }, []string{required + " spec.externalName"}},
		{"bad name", func(s *corev1.Service) { s.Spec.ExternalName = "-a" }, []string{invalid + " spec.externalName"}},
		{"cluster IP", func(s *corev1.Service) { s.Spec.ClusterIP, s.Spec.ClusterIPs = "10.96.0.1", []string{"10.96.0.1"} }, []string{forbidden + " spec.clusterIPs"}},
		{"families", func(s *corev1.Service) { s.Spec.IPFamilies = []corev1.IPFamily{corev1.IPv4Protocol} }, []string{forbidden + " spec.ipFamilies"}},
		{"family policy", func(s *corev1.Service) { s.Spec.IPFamilyPolicy = ptr.To(corev1.IPFamilyPolicySingleStack) }, []string{forbidden + " spec.ipFamilyPolicy"}},
		{"ports", func(s *corev1.Service) {
			s.Spec.Ports = []corev1.ServicePort{{Port: 1, Protocol: "TCP", TargetPort: intstr.FromInt32(1)}}
		}, nil},
	})
}

func TestServiceKeepsItsAddresses(t *testing.T) {
	old := stored[*corev1.Service](t, strings.Replace(webService, "spec: {",
		"spec: {clusterIP: 10.96.0.10, clusterIPs: [10.96.0.10, 'fd00::10'], ipFamilies: [IPv4, IPv6], ipFamilyPolicy: RequireDualStack, ", 1))
	updates(t, validation.For(core("services")).Update, old, []change[*corev1.Service]{
		{"nothing", func(*corev1.Service) {}, nil},
		{"labels", func(s *corev1.Service) { s.Labels = map[string]string{"a": "b"} }, nil},
		{"another first address", func(s *corev1.Service) {
			s.Spec.ClusterIP, s.Spec.ClusterIPs[0] = "10.96.0.11", "10.96.0.11"
		}, []string{invalid + " spec.clusterIPs[0]"}},
		{"another second address", func(s *corev1.Service) { s.Spec.ClusterIPs[1] = "fd00::11" }, []string{invalid + " spec.clusterIPs[1]"}},
		{"no addresses", func(s *corev1.Service) { s.Spec.ClusterIP, s.Spec.ClusterIPs = "", nil }, []string{invalid + " spec.clusterIPs[0]"}},
		{"second released", func(s *corev1.Service) {
			s.Spec.ClusterIPs, s.Spec.IPFamilies = s.Spec.ClusterIPs[:1], s.Spec.IPFamilies[:1]
			s.Spec.IPFamilyPolicy = ptr.To(corev1.IPFamilyPolicySingleStack)
		}, nil},
		{"second released without saying so", func(s *corev1.Service) {
			s.Spec.ClusterIPs = s.Spec.ClusterIPs[:1]
		}, []string{invalid + " spec.ipFamilyPolicy"}},
		{"families exchanged", func(s *corev1.Service) {
			s.Spec.IPFamilies[0], s.Spec.IPFamilies[1] = s.Spec.IPFamilies[1], s.Spec.IPFamilies[0]
		}, []string{invalid + " spec.clusterIPs[0]", invalid + " spec.clusterIPs[1]", invalid + " spec.ipFamilies[0]", invalid + " spec.ipFamilies[1]"}},
		{"to an external name", func(s *corev1.Service) {
			s.Spec = corev1.ServiceSpec{Type: corev1.ServiceTypeExternalName, ExternalName: "a.example.org", SessionAffinity: "None"}
		}, nil},
		{"another name", func(s *corev1.Service) { s.Name = "other" }, []string{invalid + " metadata.name"}},
	})
}

func TestServiceKeepsItsBalancerClass(t *testing.T) {
	old := stored[*corev1.Service](t, strings.Replace(webService, "spec: {", "spec: {type: LoadBalancer, loadBalancerClass: example.org/a, ", 1))
	class := []string{invalid + " spec.loadBalancerClass"}
	updates(t, validation.For(core("services")).Update, old, []change[*corev1.Service]{
		{"another", func(s *corev1.Service) { s.Spec.LoadBalancerClass = ptr.To("example.org/b") }, class},
		{"none", func(s *corev1.Service) { s.Spec.LoadBalancerClass = nil }, class},
		{"another type", func(s *corev1.Service) {
			s.Spec.Type, s.Spec.LoadBalancerClass, s.Spec.AllocateLoadBalancerNodePorts = corev1.ServiceTypeNodePort, nil, nil
		}, nil},
	})
}

func TestServiceStatusIsOfBalancers(t *testing.T) {
	old := stored[*corev1.Service](t, strings.Replace(webService, "spec: {", "spec: {type: LoadBalancer, ", 1))
	in := func(i corev1.LoadBalancerIngress) func(*corev1.Service) {
		return func(s *corev1.Service) { s.Status.LoadBalancer.Ingress = []corev1.LoadBalancerIngress{i} }
	}
	const p = " status.loadBalancer.ingress[0]."
	updates(t, validation.For(core("services")).Status, old, []change[*corev1.Service]{
		{"address", in(corev1.LoadBalancerIngress{IP: "203.0.113.1", IPMode: ptr.To(corev1.LoadBalancerIPModeVIP)}), nil},
		{"bad address", in(corev1.LoadBalancerIngress{IP: "x"}), []string{invalid + p + "ip"}},
		{"host that is an address", in(corev1.LoadBalancerIngress{Hostname: "203.0.113.1"}), []string{invalid + p + "hostname"}},
		{"bad host", in(corev1.LoadBalancerIngress{Hostname: "A"}), []string{invalid + p + "hostname"}},
		{"mode without address", in(corev1.LoadBalancerIngress{Hostname: "a", IPMode: ptr.To(corev1.LoadBalancerIPModeVIP)}), []string{forbidden + p + "ipMode"}},
		{"unknown mode", in(corev1.LoadBalancerIngress{IP: "203.0.113.1", IPMode: ptr.To[corev1.LoadBalancerIPMode]("X")}), []string{unsupported + p + "ipMode"}},
		{"not a balancer", func(s *corev1.Service) {
			s.Spec.Type = corev1.ServiceTypeClusterIP
			s.Status.LoadBalancer.Ingress = []corev1.LoadBalancerIngress{{IP: "203.0.113.1"}}
		}, []string{forbidden + " status.loadBalancer.ingress"}},
	})
}
