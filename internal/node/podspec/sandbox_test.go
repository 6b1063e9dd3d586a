package podspec

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/utils/ptr"

	"github.com/causeway-access/causeway/internal/podrun"
)

var compareAddr = cmp.Comparer(func(a, b netip.Addr) bool { return a == b })

func TestNamesOfPods(t *testing.T) {
	for _, test := range []struct {
		name, hostname, subdomain string
		fqdn                      bool
		want                      string
	}{
		{name: "web-0", want: "web-0"},
		{name: "web-0", hostname: "web", subdomain: "sub", want: "web"},
		{name: "web-0", subdomain: "sub", fqdn: true, want: "web-0.sub.shop.svc.cluster.local"},
		{name: "web-0", fqdn: true, want: "web-0"},
		{name: strings.Repeat("a", 62) + ".b", want: strings.Repeat("a", 62)},
		{name: strings.Repeat("a", 253), want: strings.Repeat("a", 63)},
	} {
		pod := testPod()
		pod.Name, pod.Spec.Hostname, pod.Spec.Subdomain, pod.Spec.SetHostnameAsFQDN = test.name, test.hostname, test.subdomain, &test.fqdn
		got, err := Sandbox(pod, Node{})
		if err != nil || got.Hostname != test.want {
			t.Errorf("%+v: %q, %v", test, got.Hostname, err)
		}
	}
}

func TestAPodIsPrivilegedIfAContainerIs(t *testing.T) {
	plain := corev1.Container{SecurityContext: &corev1.SecurityContext{}}
	privileged := corev1.Container{SecurityContext: &corev1.SecurityContext{Privileged: ptr.To(true)}}
	for _, test := range []struct {
		spec corev1.PodSpec
		want bool
	}{
		{corev1.PodSpec{Containers: []corev1.Container{{}, plain}}, false},
		{corev1.PodSpec{Containers: []corev1.Container{{}, privileged}}, true},
		{corev1.PodSpec{InitContainers: []corev1.Container{privileged}, Containers: []corev1.Container{{}}}, true},
	} {
		if got, err := Sandbox(&corev1.Pod{Spec: test.spec}, Node{}); err != nil || got.Privileged != test.want {
			t.Errorf("%+v: %v, %v", test, got.Privileged, err)
		}
	}
}

func TestNamesAreResolvedByPolicy(t *testing.T) {
	a, b, c := netip.MustParseAddr("10.96.0.10"), netip.MustParseAddr("192.0.2.53"), netip.MustParseAddr("192.0.2.54")
	node := Node{
		ClusterDNS: []netip.Addr{a},
		OwnDNS: func() podrun.DNS {
			return podrun.DNS{Servers: []netip.Addr{b}, Searches: []string{"example.org"}, Options: []string{"timeout:1"}}
		},
	}
	var asItIs podrun.DNS // the runtime's
	cluster := podrun.DNS{
		Servers: []netip.Addr{a}, Options: []string{"ndots:5"},
		Searches: []string{"shop.svc.cluster.local", "svc.cluster.local", "cluster.local"},
	}
	for _, test := range []struct {
		name string
		spec corev1.PodSpec
		want podrun.DNS
	}{
		{"unsaid", corev1.PodSpec{}, cluster},
		{"ClusterFirst", corev1.PodSpec{DNSPolicy: corev1.DNSClusterFirst}, cluster},
		{"ClusterFirst on the host's network", corev1.PodSpec{DNSPolicy: corev1.DNSClusterFirst, HostNetwork: true}, asItIs},
		{"ClusterFirstWithHostNet", corev1.PodSpec{DNSPolicy: corev1.DNSClusterFirstWithHostNet, HostNetwork: true}, cluster},
		{"Default", corev1.PodSpec{DNSPolicy: corev1.DNSDefault}, asItIs},
		{"None", corev1.PodSpec{DNSPolicy: corev1.DNSNone, DNSConfig: &corev1.PodDNSConfig{Nameservers: []string{"192.0.2.54"}}},
			podrun.DNS{Servers: []netip.Addr{c}}},
		{"names alone", corev1.PodSpec{DNSPolicy: corev1.DNSDefault, DNSConfig: &corev1.PodDNSConfig{Searches: []string{"example.net"}}},
			podrun.DNS{Servers: []netip.Addr{b}, Searches: []string{"example.org", "example.net"}, Options: []string{"timeout:1"}}},
		{"more", corev1.PodSpec{DNSPolicy: corev1.DNSDefault, DNSConfig: &corev1.PodDNSConfig{
			Nameservers: []string{"192.0.2.53", "192.0.2.54"}, Searches: []string{"example.org", "example.net"},
			Options: []corev1.PodDNSConfigOption{{Name: "timeout", Value: ptr.To("9")}, {Name: "edns0"}},
		}}, podrun.DNS{Servers: []netip.Addr{b, c}, Searches: []string{"example.org", "example.net"}, Options: []string{"timeout:9", "edns0"}}},
	} {
		pod := testPod()
		pod.Spec = test.spec
		got, err := Sandbox(pod, node)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(test.want, got.DNS, compareAddr); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}

func amounts(cpu, memory string) corev1.ResourceList {
	list := corev1.ResourceList{}
	if cpu != "" {
		list["cpu"] = resource.MustParse(cpu)
	}
	if memory != "" {
		list["memory"] = resource.MustParse(memory)
	}
	return list
}

func TestPodsAreLimitedIfAllTheirContainersAre(t *testing.T) {
	limited := corev1.ResourceRequirements{Requests: amounts("100m", "10Mi"), Limits: amounts("500m", "20Mi")}
	for _, test := range []struct {
		name string
		has  []corev1.ResourceRequirements
		want podrun.Resources
	}{
		{"nothing asked for", []corev1.ResourceRequirements{{}}, podrun.Resources{CPUShares: 2, Processes: 100}},
		{"two limits", []corev1.ResourceRequirements{limited, limited}, podrun.Resources{MilliCPU: 1000, CPUShares: 204, Memory: 40 << 20, Processes: 100}},
		{"one limit", []corev1.ResourceRequirements{limited, {}}, podrun.Resources{CPUShares: 102, Processes: 100}},
		{"memory alone", []corev1.ResourceRequirements{limited, {Limits: amounts("", "1Mi")}}, podrun.Resources{CPUShares: 102, Memory: 21 << 20, Processes: 100}},
	} {
		pod := testPod()
		pod.Spec.Containers = nil
		for _, r := range test.has {
			pod.Spec.Containers = append(pod.Spec.Containers, corev1.Container{Resources: r})
		}
		got, err := Sandbox(pod, Node{MaxProcesses: 100})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(test.want, got.Resources); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}

func TestUserNamespacesAreRefusedAndNotForgotten(t *testing.T) {
	pod := testPod()
	pod.Spec.HostUsers = ptr.To(false)
	if _, err := Sandbox(pod, Node{}); err == nil || !strings.Contains(err.Error(), "hostUsers") {
		t.Errorf("hostUsers: false gives %v", err)
	}
}

func TestWhatAPodDoesNotGetIsNamed(t *testing.T) {
	pod := testPod()
	if got := Unsupported(pod); got != nil {
		t.Errorf("a plain pod: %q", got)
	}
	pod.Spec.Containers[0].Ports = []corev1.ContainerPort{{HostPort: 80, Protocol: corev1.ProtocolSCTP}}
	const want = "container main: hostPort 80 is not served: the protocol SCTP"
	if got := Unsupported(pod); len(got) != 1 || got[0] != want {
		t.Errorf("with a host port of SCTP: %q, want %q", got, want)
	}
	pod.Spec.HostNetwork = true
	if got := Unsupported(pod); got != nil {
		t.Errorf("with the host's network: %q", got)
	}
}
