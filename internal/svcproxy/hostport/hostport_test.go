package hostport_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/causeway-access/causeway/internal/svcproxy/hostport"
)

func withPorts(ports ...corev1.ContainerPort) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "web"},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "main", Ports: ports}}},
	}
}

func TestWhereHostPortsLead(t *testing.T) {
	always := corev1.ContainerRestartPolicyAlways
	beside := withPorts(corev1.ContainerPort{ContainerPort: 80, HostPort: 8080})
	own := []corev1.ContainerPort{{ContainerPort: 90, HostPort: 8090}}
	beside.Spec.InitContainers = []corev1.Container{{Name: "side", Ports: own, RestartPolicy: &always}, {Name: "before", Ports: []corev1.ContainerPort{{ContainerPort: 91, HostPort: 8091}}}}
	network := withPorts(corev1.ContainerPort{ContainerPort: 80, HostPort: 80})
	network.Spec.HostNetwork = true
	for _, tt := range []struct {
		name string
		pod  *corev1.Pod
		want []string
		not  string // why one is not led
	}{
		{"no port of the node", withPorts(corev1.ContainerPort{ContainerPort: 80}), nil, ""},
		{"one of all addresses", withPorts(corev1.ContainerPort{Name: "http", ContainerPort: 80, HostPort: 8080}), []string{"TCP 0.0.0.0:8080 default/web:http 10.244.0.5:80"}, ""},
		{"one of one address", withPorts(corev1.ContainerPort{ContainerPort: 80, HostPort: 8080, HostIP: "127.0.0.1"}), []string{"TCP 127.0.0.1:8080 default/web:80 10.244.0.5:80"}, ""},
		{"both protocols", withPorts(corev1.ContainerPort{ContainerPort: 53, HostPort: 53, Protocol: "UDP"}, corev1.ContainerPort{ContainerPort: 53, HostPort: 53, Protocol: "TCP"}),
			[]string{"UDP 0.0.0.0:53 default/web:53 10.244.0.5:53", "TCP 0.0.0.0:53 default/web:53 10.244.0.5:53"}, ""},
		{"a side-car's, but not an init container's", beside, []string{"TCP 0.0.0.0:8090 default/web:90 10.244.0.5:90", "TCP 0.0.0.0:8080 default/web:80 10.244.0.5:80"}, ""},
		{"the network of the node", network, nil, ""},
		{"SCTP", withPorts(corev1.ContainerPort{ContainerPort: 80, HostPort: 80, Protocol: "SCTP"}), nil, "the protocol SCTP"},
		{"IPv6", withPorts(corev1.ContainerPort{ContainerPort: 80, HostPort: 80, HostIP: "::1"}), nil, "the hostIP ::1"},
		{"no address", withPorts(corev1.ContainerPort{ContainerPort: 80, HostPort: 80, HostIP: "lo"}), nil, "the hostIP lo"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, r := range hostport.Rules(tt.pod, netip.MustParseAddr("10.244.0.5")) {
				got = append(got, r.Key.String()+" "+r.Port+" "+r.Endpoints[0].String())
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("rules (-want +got):\n%s", diff)
			}
			said := ""
			for _, p := range hostport.Of(tt.pod) {
				said += p.Unsupported()
			}
			if tt.not == "" && said != "" || !strings.HasPrefix(said, tt.not) {
				t.Errorf("said not to be led: %q, want %q", said, tt.not)
			}
		})
	}
}

func TestWhichHostPortsClash(t *testing.T) {
	port := func(ip string, protocol corev1.Protocol, number int32) hostport.Port {
		return hostport.Of(withPorts(corev1.ContainerPort{ContainerPort: 1, HostPort: number, HostIP: ip, Protocol: protocol}))[0]
	}
	for _, tt := range []struct {
		name string
		a, b hostport.Port
		want bool
	}{
		{"the same", port("", "", 80), port("", "TCP", 80), true},
		{"another number", port("", "", 80), port("", "", 81), false},
		{"another protocol", port("", "", 80), port("", "UDP", 80), false},
		{"one address and all", port("127.0.0.1", "", 80), port("", "", 80), true},
		{"all and one address", port("0.0.0.0", "", 80), port("127.0.0.1", "", 80), true},
		{"two addresses", port("127.0.0.1", "", 80), port("192.0.2.10", "", 80), false},
		{"the same address", port("127.0.0.1", "", 80), port("127.0.0.1", "", 80), true},
	} {
		if got := tt.a.Clashes(tt.b); got != tt.want {
			t.Errorf("%s: %t", tt.name, got)
		}
	}
}

func FuzzHostPortsLeadToThePodWhateverIsWritten(f *testing.F) {
	f.Add("127.0.0.1", "TCP", int32(80), int32(8080))
	f.Add("::", "UDP", int32(-1), int32(70000))
	f.Add("fe80::1%eth0", "", int32(1), int32(1))
	f.Fuzz(func(t *testing.T, ip, protocol string, host, inside int32) {
		pod := withPorts(corev1.ContainerPort{HostIP: ip, Protocol: corev1.Protocol(protocol), HostPort: host, ContainerPort: inside})
		at := netip.MustParseAddr("10.244.0.5")
		for _, r := range hostport.Rules(pod, at) {
			if a := r.Key.Addr; !a.Addr().Is4() || a.Port() == 0 || r.Endpoints[0].Addr() != at || r.Endpoints[0].Port() == 0 {
				t.Errorf("%s leads to %s", r.Key, r.Endpoints)
			}
		}
	})
}
