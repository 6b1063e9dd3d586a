package svcproxy_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/causeway-access/causeway/internal/svcproxy"
)

// service makes one of type ClusterIP with port 80, which is named http.
func service(name, ip string, edits ...func(*corev1.ServiceSpec)) *corev1.Service {
	s := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name}}
	s.Spec = corev1.ServiceSpec{
		Type: corev1.ServiceTypeClusterIP, ClusterIP: ip, ClusterIPs: []string{ip},
		Ports: []corev1.ServicePort{{Name: "http", Port: 80}},
	}
	for _, edit := range edits {
		edit(&s.Spec)
	}
	return s
}

func nodePort(port int32) func(*corev1.ServiceSpec) {
	return func(s *corev1.ServiceSpec) { s.Type, s.Ports[0].NodePort = corev1.ServiceTypeNodePort, port }
}

func balanced(s *corev1.ServiceSpec) { s.Type = corev1.ServiceTypeLoadBalancer }

func outsideLocal(s *corev1.ServiceSpec) {
	s.ExternalTrafficPolicy = corev1.ServiceExternalTrafficPolicyLocal
}

// slice makes one of a service with port 8080, which is named http. Endpoints
// are ADDRESS, with words after it: unready, serving, terminating, here.
func slice(of, suffix string, endpoints ...string) *discoveryv1.EndpointSlice {
	s := &discoveryv1.EndpointSlice{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "default", Name: of + "-" + suffix, Labels: map[string]string{discoveryv1.LabelServiceName: of},
		},
		AddressType: discoveryv1.AddressTypeIPv4,
		Ports:       []discoveryv1.EndpointPort{{Name: new("http"), Port: new(int32(8080))}},
	}
	for _, text := range endpoints {
		words := strings.Fields(text)
		e := discoveryv1.Endpoint{Addresses: words[:1]}
		for _, word := range words[1:] {
			switch word {
			case "unready":
				e.Conditions.Ready = new(false)
			case "serving":
				e.Conditions.Serving = new(true)
			case "terminating":
				e.Conditions.Terminating = new(true)
			case "here":
				e.NodeName = new("node-1")
			case "there":
				e.NodeName = new("node-2")
			}
		}
		s.Endpoints = append(s.Endpoints, e)
	}
	return s
}

// print writes rules and removed keys as lines: "TCP 10.96.0.7:80 default/web:http -> 10.0.0.1:8080".
func print(c svcproxy.Changes) []string {
	var lines []string
	for _, r := range c.Set {
		line := fmt.Sprintf("%s %s ->", r.Key, r.Port)
		for _, e := range r.Endpoints {
			line += " " + e.String()
		}
		if r.Affinity > 0 {
			line += " for " + r.Affinity.String()
		}
		lines = append(lines, line)
	}
	for _, k := range c.Removed {
		lines = append(lines, "no "+k.String())
	}
	return lines
}

func TestWhatBecomesOfAService(t *testing.T) {
	local := func(s *corev1.ServiceSpec) { s.InternalTrafficPolicy = new(corev1.ServiceInternalTrafficPolicyLocal) }
	other := service("web", "10.96.0.7")
	other.Labels = map[string]string{"service.kubernetes.io/service-proxy-name": "mesh"}
	sixes := slice("web", "6", "fd00::1")
	sixes.AddressType = discoveryv1.AddressTypeIPv6
	names := slice("web", "names", "host.example.com")
	names.AddressType = discoveryv1.AddressTypeFQDN
	portless := slice("web", "all", "10.0.0.9")
	portless.Ports = []discoveryv1.EndpointPort{{Name: new("http")}}

	for _, test := range []struct {
		name    string
		service *corev1.Service
		slices  []*discoveryv1.EndpointSlice
		want    []string
	}{
		{"endpoints of all slices, sorted, each once", service("web", "10.96.0.7"),
			[]*discoveryv1.EndpointSlice{slice("web", "a", "10.0.0.2", "10.0.0.3"), slice("web", "b", "10.0.0.1", "10.0.0.2")},
			[]string{"TCP 10.96.0.7:80 default/web:http -> 10.0.0.1:8080 10.0.0.2:8080 10.0.0.3:8080"}},
		{"nothing answers", service("web", "10.96.0.7"), nil,
			[]string{"TCP 10.96.0.7:80 default/web:http ->"}},
		{"no service", nil, []*discoveryv1.EndpointSlice{slice("web", "a", "10.0.0.2")}, nil},
		{"unready ones are left out", service("web", "10.96.0.7"),
			[]*discoveryv1.EndpointSlice{slice("web", "a", "10.0.0.1 unready", "10.0.0.2")},
			[]string{"TCP 10.96.0.7:80 default/web:http -> 10.0.0.2:8080"}},
		{"unready ones that are wanted", service("web", "10.96.0.7", func(s *corev1.ServiceSpec) { s.PublishNotReadyAddresses = true }),
			[]*discoveryv1.EndpointSlice{slice("web", "a", "10.0.0.1 unready", "10.0.0.2")},
			[]string{"TCP 10.96.0.7:80 default/web:http -> 10.0.0.1:8080 10.0.0.2:8080"}},
		{"terminating ones come last", service("web", "10.96.0.7"),
			[]*discoveryv1.EndpointSlice{slice("web", "a", "10.0.0.1 unready serving terminating", "10.0.0.2")},
			[]string{"TCP 10.96.0.7:80 default/web:http -> 10.0.0.2:8080"}},
		{"terminating ones if there is no other", service("web", "10.96.0.7"),
			[]*discoveryv1.EndpointSlice{slice("web", "a", "10.0.0.1 unready serving terminating", "10.0.0.2 unready terminating", "10.0.0.3 unready")},
			[]string{"TCP 10.96.0.7:80 default/web:http -> 10.0.0.1:8080"}},
		{"local policy", service("web", "10.96.0.7", local),
			[]*discoveryv1.EndpointSlice{slice("web", "a", "10.0.0.1 here", "10.0.0.2 there", "10.0.0.3")},
			[]string{"TCP 10.96.0.7:80 default/web:http -> 10.0.0.1:8080"}},
		{"local policy: a terminating one here before a ready one elsewhere", service("web", "10.96.0.7", local),
			[]*discoveryv1.EndpointSlice{slice("web", "a", "10.0.0.1 here unready serving terminating", "10.0.0.2 there")},
			[]string{"TCP 10.96.0.7:80 default/web:http -> 10.0.0.1:8080"}},
		{"local policy with none here", service("web", "10.96.0.7", local),
			[]*discoveryv1.EndpointSlice{slice("web", "a", "10.0.0.2 there")},
			[]string{"TCP 10.96.0.7:80 default/web:http ->"}},
		{"affinity with the usual timeout", service("web", "10.96.0.7", func(s *corev1.ServiceSpec) { s.SessionAffinity = "ClientIP" }),
			[]*discoveryv1.EndpointSlice{slice("web", "a", "10.0.0.2")},
			[]string{"TCP 10.96.0.7:80 default/web:http -> 10.0.0.2:8080 for 3h0m0s"}},
		{"affinity with its own", service("web", "10.96.0.7", func(s *corev1.ServiceSpec) {
			s.SessionAffinity = "ClientIP"
			s.SessionAffinityConfig = &corev1.SessionAffinityConfig{ClientIP: &corev1.ClientIPConfig{TimeoutSeconds: new(int32(7))}}
		}), []*discoveryv1.EndpointSlice{slice("web", "a", "10.0.0.2")},
			[]string{"TCP 10.96.0.7:80 default/web:http -> 10.0.0.2:8080 for 7s"}},
		{"ports by name and protocol", service("web", "10.96.0.7", func(s *corev1.ServiceSpec) {
			s.Ports = []corev1.ServicePort{{Name: "http", Port: 80}, {Name: "http", Port: 80, Protocol: "UDP"}, {Name: "sip", Port: 5060, Protocol: "SCTP"}}
		}), []*discoveryv1.EndpointSlice{slice("web", "a", "10.0.0.2")}, []string{
			"TCP 10.96.0.7:80 default/web:http -> 10.0.0.2:8080", "UDP 10.96.0.7:80 default/web:http ->", "SCTP 10.96.0.7:5060 default/web:sip ->"}},
		{"each family its own", service("web", "10.96.0.7", func(s *corev1.ServiceSpec) { s.ClusterIPs = []string{"10.96.0.7", "fd01::7"} }),
			[]*discoveryv1.EndpointSlice{slice("web", "4", "10.0.0.1"), sixes}, []string{
				"TCP 10.96.0.7:80 default/web:http -> 10.0.0.1:8080", "TCP [fd01::7]:80 default/web:http -> [fd00::1]:8080"}},
		{"names and slices without a port lead nowhere", service("web", "10.96.0.7"), []*discoveryv1.EndpointSlice{names, portless},
			[]string{"TCP 10.96.0.7:80 default/web:http ->"}},
		{"node port", service("web", "10.96.0.7", nodePort(30080)),
			[]*discoveryv1.EndpointSlice{slice("web", "a", "10.0.0.1 here", "10.0.0.2 there")}, []string{
				"TCP 0.0.0.0:30080 default/web:http -> 10.0.0.1:8080 10.0.0.2:8080", "TCP 10.96.0.7:80 default/web:http -> 10.0.0.1:8080 10.0.0.2:8080"}},
		{"node port of a load balancer", service("web", "10.96.0.7", nodePort(30080), balanced), nil,
			[]string{"TCP 0.0.0.0:30080 default/web:http ->", "TCP 10.96.0.7:80 default/web:http ->"}},
		{"a load balancer without node ports", service("web", "10.96.0.7", balanced), nil,
			[]string{"TCP 10.96.0.7:80 default/web:http ->"}},
		{"a node port that its type does not have", service("web", "10.96.0.7", nodePort(30080), func(s *corev1.ServiceSpec) { s.Type = corev1.ServiceTypeClusterIP }), nil,
			[]string{"TCP 10.96.0.7:80 default/web:http ->"}},
		{"node port to local endpoints", service("web", "10.96.0.7", nodePort(30080), outsideLocal),
			[]*discoveryv1.EndpointSlice{slice("web", "a", "10.0.0.1 here", "10.0.0.2 there")}, []string{
				"TCP 0.0.0.0:30080 default/web:http -> 10.0.0.1:8080", "TCP 10.96.0.7:80 default/web:http -> 10.0.0.1:8080 10.0.0.2:8080"}},
		{"node port to a local one that is terminating", service("web", "10.96.0.7", nodePort(30080), outsideLocal),
			[]*discoveryv1.EndpointSlice{slice("web", "a", "10.0.0.1 here unready serving terminating", "10.0.0.2 there")}, []string{
				"TCP 0.0.0.0:30080 default/web:http -> 10.0.0.1:8080", "TCP 10.96.0.7:80 default/web:http -> 10.0.0.2:8080"}},
		{"node port without local endpoints", service("web", "10.96.0.7", nodePort(30080), outsideLocal),
			[]*discoveryv1.EndpointSlice{slice("web", "a", "10.0.0.2 there")}, []string{
				"TCP 0.0.0.0:30080 default/web:http ->", "TCP 10.96.0.7:80 default/web:http -> 10.0.0.2:8080"}},
		{"node port whatever the policy inside is", service("web", "10.96.0.7", nodePort(30080), local),
			[]*discoveryv1.EndpointSlice{slice("web", "a", "10.0.0.1 here", "10.0.0.2 there")}, []string{
				"TCP 0.0.0.0:30080 default/web:http -> 10.0.0.1:8080 10.0.0.2:8080", "TCP 10.96.0.7:80 default/web:http -> 10.0.0.1:8080"}},
		{"node port of UDP with affinity", service("web", "10.96.0.7", nodePort(30080), func(s *corev1.ServiceSpec) {
			s.Ports[0].Protocol, s.SessionAffinity = "UDP", "ClientIP"
		}), nil, []string{"UDP 0.0.0.0:30080 default/web:http -> for 3h0m0s", "UDP 10.96.0.7:80 default/web:http -> for 3h0m0s"}},
		{"no node port of IPv6", service("web", "fd01::7", nodePort(30080)), nil, []string{"TCP [fd01::7]:80 default/web:http ->"}},
		{"an address that would be the node's", service("web", "0.0.0.0"), nil, nil},
		{"headless", service("web", corev1.ClusterIPNone), []*discoveryv1.EndpointSlice{slice("web", "a", "10.0.0.2")}, nil},
		{"external name", service("web", "", func(s *corev1.ServiceSpec) { s.Type = corev1.ServiceTypeExternalName }), nil, nil},
		{"left to another proxy", other, []*discoveryv1.EndpointSlice{slice("web", "a", "10.0.0.2")}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			table := svcproxy.NewTable("node-1")
			for _, s := range test.slices {
				table.SetSlice(s)
			}
			if test.service != nil {
				table.SetService(test.service)
			}
			if diff := cmp.Diff(test.want, print(table.Changes()), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("rules (-want +got):\n%s", diff)
			}
		})
	}
}

func TestChangesTellOfWhatIsDifferentOnly(t *testing.T) {
	table := svcproxy.NewTable("")
	step := func(what string, edit func(), want ...string) {
		t.Helper()
		edit()
		if diff := cmp.Diff(want, print(table.Changes()), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
	}
	web, shop := service("web", "10.96.0.7"), service("shop", "10.96.0.8")
	step("two services", func() {
		table.SetService(web)
		table.SetService(shop)
		table.SetSlice(slice("web", "a", "10.0.0.1"))
	}, "TCP 10.96.0.7:80 default/web:http -> 10.0.0.1:8080", "TCP 10.96.0.8:80 default/shop:http ->")
	step("nothing new", func() {
		table.SetService(web)
		table.SetSlice(slice("web", "a", "10.0.0.1"))
	})
	step("another endpoint", func() { table.SetSlice(slice("web", "a", "10.0.0.1", "10.0.0.2")) },
		"TCP 10.96.0.7:80 default/web:http -> 10.0.0.1:8080 10.0.0.2:8080")
	step("a slice is gone", func() { table.DropSlice(slice("web", "a")) }, "TCP 10.96.0.7:80 default/web:http ->")
	step("another port", func() {
		table.SetService(service("web", "10.96.0.7", func(s *corev1.ServiceSpec) { s.Ports[0].Port = 81 }))
	}, "TCP 10.96.0.7:81 default/web:http ->", "no TCP 10.96.0.7:80")
	step("a node port", func() {
		table.SetService(service("web", "10.96.0.7", nodePort(30080), func(s *corev1.ServiceSpec) { s.Ports[0].Port = 81 }))
	}, "TCP 0.0.0.0:30080 default/web:http ->")
	step("none any more", func() {
		table.SetService(service("web", "10.96.0.7", func(s *corev1.ServiceSpec) { s.Ports[0].Port = 81 }))
	}, "no TCP 0.0.0.0:30080")
	step("it was made and is gone before anybody looked", func() {
		table.SetService(service("brief", "10.96.0.9"))
		table.DropService(service("brief", "10.96.0.9"))
	})
	step("both are gone", func() {
		table.DropService(web)
		table.DropService(shop)
	}, "no TCP 10.96.0.7:81", "no TCP 10.96.0.8:80")
}

// The watches tell of a service's end after the beginning of another one with
// its address, if both happened while they were not connected.
func TestAnAddressGoesOverToAnotherService(t *testing.T) {
	for _, between := range []bool{false, true} {
		t.Run(fmt.Sprintf("looked at between: %t", between), func(t *testing.T) {
			table := svcproxy.NewTable("")
			table.SetService(service("old", "10.96.0.7"))
			table.Changes()
			table.SetService(service("new", "10.96.0.7"))
			var got []string
			if between {
				got = print(table.Changes())
			}
			table.DropService(service("old", "10.96.0.7"))
			got = append(got, print(table.Changes())...)
			if diff := cmp.Diff([]string{"TCP 10.96.0.7:80 default/new:http ->"}, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestChangedIsToldOnce(t *testing.T) {
	table := svcproxy.NewTable("")
	for i := range 3 {
		table.SetService(service("web", netip.AddrFrom4([4]byte{10, 96, 0, byte(i)}).String()))
	}
	select {
	case <-table.Changed():
	default:
		t.Fatal("nobody is told of a change")
	}
	select {
	case <-table.Changed():
		t.Error("told twice of what is taken at once")
	default:
	}
}

func FuzzRulesAreOfAddressesWhateverIsWritten(f *testing.F) {
	f.Add("10.96.0.1", "10.0.0.1", int32(443))
	f.Add("None", "::1", int32(0))
	f.Add("::ffff:10.96.0.1", "fe80::1%eth0", int32(-1))
	f.Fuzz(func(t *testing.T, ip, endpoint string, port int32) {
		table := svcproxy.NewTable("")
		s := service("web", ip, func(s *corev1.ServiceSpec) { s.Ports[0].Port = port })
		table.SetService(s)
		if strings.ContainsAny(endpoint, " \t\n\v\f\r\u0085\u00a0") || endpoint == "" {
			endpoint = "10.0.0.1"
		}
		one := slice("web", "a")
		one.Endpoints = []discoveryv1.Endpoint{{Addresses: []string{endpoint}}}
		table.SetSlice(one)
		for _, r := range table.Changes().Set {
			if !r.Key.Addr.IsValid() || r.Key.Addr.Port() == 0 {
				t.Errorf("a rule for %s", r.Key)
			}
			for _, e := range r.Endpoints {
				if !e.IsValid() || e.Addr().Is4() != r.Key.Addr.Addr().Is4() {
					t.Errorf("%s leads to %s", r.Key, e)
				}
			}
		}
		table.DropService(s)
		table.DropSlice(one)
		if table.Changes(); !table.Changes().Empty() {
			t.Error("there are changes after all has gone")
		}
	})
}
