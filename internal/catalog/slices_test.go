package catalog_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/causeway-access/causeway/internal/catalog"
	"github.com/causeway-access/causeway/internal/fault"
	"github.com/causeway-access/causeway/internal/route"
)

// http is the port of most services here.
var http = corev1.ServicePort{Name: "http", Port: 80}

// other changes a slice of a service, and gives it a name of its own.
func other(name string, s *discoveryv1.EndpointSlice, change func(*discoveryv1.EndpointSlice)) *discoveryv1.EndpointSlice {
	s.Name = name
	if change != nil {
		change(s)
	}
	return s
}

func six(s *discoveryv1.EndpointSlice) { s.AddressType = discoveryv1.AddressTypeIPv6 }

func families(f ...corev1.IPFamily) func(*corev1.Service) {
	return func(s *corev1.Service) { s.Spec.IPFamilies = f }
}

// in hints an endpoint for a zone.
func in(zone string, e discoveryv1.Endpoint) discoveryv1.Endpoint {
	e.Zone, e.Hints = &zone, &discoveryv1.EndpointHints{ForZones: []discoveryv1.ForZone{{Name: zone}}}
	return e
}

// Section 1, endpoint choice: which endpoints there are to choose from.
func TestEndpoints(t *testing.T) {
	none := resolved{kind: fault.Unavailable, words: `no endpoints available for service "web"`}
	early := func(s *corev1.Service) { s.Spec.PublishNotReadyAddresses = true }
	two := []corev1.ServicePort{http, {Name: "tls", Port: 443}}
	for _, tt := range []struct {
		name    string
		segment string
		objects []runtime.Object
		want    resolved
	}{
		{"ready ones alone", "web", []runtime.Object{
			service("web", nil, http), slice("web", "http", 80, up("10.0.0.1"), at("10.0.0.2", false, false, false), at("10.0.0.3", false, true, true)),
		}, resolved{addrs: []string{"10.0.0.1:80"}}},
		{"no condition means ready", "web", []runtime.Object{
			service("web", nil, http), slice("web", "http", 80, discoveryv1.Endpoint{Addresses: []string{"10.0.0.4"}}),
		}, resolved{addrs: []string{"10.0.0.4:80"}}},
		{"terminating but serving, if no ready one is left", "web", []runtime.Object{
			service("web", nil, http), slice("web", "http", 80, at("10.0.0.2", false, false, true), at("10.0.0.3", false, true, true)),
		}, resolved{addrs: []string{"10.0.0.3:80"}}},
		{"terminating and not serving", "web", []runtime.Object{
			service("web", nil, http), slice("web", "http", 80, at("10.0.0.2", false, false, true)),
		}, none},
		{"not ready", "web", []runtime.Object{service("web", nil, http), slice("web", "http", 80, at("10.0.0.2", false, false, false))}, none},
		{"serving, but neither ready nor terminating", "web", []runtime.Object{service("web", nil, http), slice("web", "http", 80, at("10.0.0.2", false, true, false))}, none},
		{"publishNotReadyAddresses", "web", []runtime.Object{
			service("web", early, http), slice("web", "http", 80, at("10.0.0.2", false, false, false), at("10.0.0.3", false, false, true)),
		}, resolved{addrs: []string{"10.0.0.2:80", "10.0.0.3:80"}}},
		{"zone hints are ignored", "web", []runtime.Object{
			service("web", nil, http), slice("web", "http", 80, in("a", up("10.0.0.1")), in("b", up("10.0.0.2")), up("10.0.0.3")),
		}, resolved{addrs: []string{"10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80"}}},
		{"several slices", "web", []runtime.Object{
			service("web", nil, http), slice("web", "http", 80, up("10.0.0.1")), other("web-2", slice("web", "http", 80, up("10.0.0.2")), nil), other("web-3", slice("web", "http", 80), nil),
		}, resolved{addrs: []string{"10.0.0.1:80", "10.0.0.2:80"}}},
		{"an address in two slices counts once", "web", []runtime.Object{
			service("web", nil, http), slice("web", "http", 80, up("10.0.0.1")), other("web-2", slice("web", "http", 80, up("10.0.0.1"), up("10.0.0.2")), nil),
		}, resolved{addrs: []string{"10.0.0.1:80", "10.0.0.2:80"}}},
		{"an address that is ready in one slice only", "web", []runtime.Object{
			service("web", nil, http), slice("web", "http", 80, at("10.0.0.1", false, false, false)), other("web-2", slice("web", "http", 80, up("10.0.0.1")), nil),
		}, resolved{addrs: []string{"10.0.0.1:80"}}},
		{"each slice has its own number", "web", []runtime.Object{
			service("web", nil, http), slice("web", "http", 8080, up("10.0.0.1")), other("web-2", slice("web", "http", 9090, up("10.0.0.2")), nil),
		}, resolved{addrs: []string{"10.0.0.1:8080", "10.0.0.2:9090"}}},
		{"a slice of another port", "web:tls", []runtime.Object{
			service("web", nil, two...), slice("web", "http", 80, up("10.0.0.1")), slice("web", "tls", 8443, up("10.0.0.2")),
		}, resolved{addrs: []string{"10.0.0.2:8443"}}},
		{"a port of UDP", "web", []runtime.Object{
			service("web", nil, http), other("web-1", slice("web", "http", 80, up("10.0.0.1")), func(s *discoveryv1.EndpointSlice) { s.Ports[0].Protocol = ptr(corev1.ProtocolUDP) }),
		}, none},
		{"a port without a number", "web", []runtime.Object{
			service("web", nil, http), other("web-1", slice("web", "http", 80, up("10.0.0.1")), func(s *discoveryv1.EndpointSlice) { s.Ports[0].Port = nil }),
		}, none},
		{"a slice's appProtocol, where the service has none", "web", []runtime.Object{
			service("web", nil, http), other("web-1", slice("web", "http", 80, up("10.0.0.1")), func(s *discoveryv1.EndpointSlice) { s.Ports[0].AppProtocol = ptr("https") }),
		}, resolved{addrs: []string{"10.0.0.1:80"}, scheme: "https"}},
		{"the service's appProtocol before the slice's", "web", []runtime.Object{
			service("web", nil, corev1.ServicePort{Name: "http", Port: 80, AppProtocol: ptr("http")}),
			other("web-1", slice("web", "http", 80, up("10.0.0.1")), func(s *discoveryv1.EndpointSlice) { s.Ports[0].AppProtocol = ptr("https") }),
		}, resolved{addrs: []string{"10.0.0.1:80"}, scheme: "http"}},
		{"dual stack: the first family, no pod twice", "web", []runtime.Object{
			service("web", families(corev1.IPv6Protocol, corev1.IPv4Protocol), http), slice("web", "http", 80, up("10.0.0.5")), other("web-6", slice("web", "http", 80, up("fd00::1")), six),
		}, resolved{addrs: []string{"[fd00::1]:80"}}},
		{"dual stack: the other family, if the first has none", "web", []runtime.Object{
			service("web", families(corev1.IPv6Protocol, corev1.IPv4Protocol), http), slice("web", "http", 80, up("10.0.0.5")), other("web-6", slice("web", "http", 80, at("fd00::1", false, false, false)), six),
		}, resolved{addrs: []string{"10.0.0.5:80"}}},
		{"an address mapped into IPv6", "web", []runtime.Object{service("web", nil, http), slice("web", "http", 80, up("::ffff:10.0.0.1"))}, resolved{addrs: []string{"10.0.0.1:80"}}},
		{"names are not resolved", "web", []runtime.Object{
			service("web", nil, http), other("web-1", slice("web", "http", 80, up("web.example")), func(s *discoveryv1.EndpointSlice) { s.AddressType = discoveryv1.AddressTypeFQDN }),
		}, none},
		{"what is no address", "web", []runtime.Object{service("web", nil, http), slice("web", "http", 80, up("10.0.0.256"), up("10.0.0.1"))}, resolved{addrs: []string{"10.0.0.1:80"}}},
		{"a slice of no service", "web", []runtime.Object{
			service("web", nil, http), other("web-1", slice("web", "http", 80, up("10.0.0.1")), func(s *discoveryv1.EndpointSlice) { s.Labels = nil }),
		}, none},
		{"a slice of another namespace", "web", []runtime.Object{
			service("web", nil, http), other("web-1", slice("web", "http", 80, up("10.0.0.1")), func(s *discoveryv1.EndpointSlice) { s.Namespace = "other" }),
		}, none},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, _ := known(t, tt.objects...)
			check(t, c, "services", tt.segment, tt.want)
		})
	}
}

// Zone hints are ignored, but kept where they are: the catalog changes no
// object of those that others read too.
func TestObjectsAreNotChanged(t *testing.T) {
	s := slice("web", "http", 80, in("b", up("10.0.0.2")), in("a", up("10.0.0.1")))
	c, api := known(t, service("web", nil, http), s.DeepCopy())
	check(t, c, "services", "web", resolved{addrs: []string{"10.0.0.1:80", "10.0.0.2:80"}})
	got, err := api.DiscoveryV1().EndpointSlices("ns").Get(t.Context(), s.Name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(s.Endpoints, got.Endpoints); diff != "" {
		t.Errorf("-before +after:\n%s", diff)
	}
}

// Section 1: backend TLS by annotation.
func TestTrust(t *testing.T) {
	annotated := func(of ...string) func(*corev1.Service) {
		return func(s *corev1.Service) {
			s.Annotations = map[string]string{}
			for i := 0; i < len(of); i += 2 {
				s.Annotations[of[i]] = of[i+1]
			}
		}
	}
	for _, tt := range []struct {
		name   string
		change func(*corev1.Service)
		want   route.Trust
	}{
		{"none: not verified", nil, route.Trust{}},
		{"of a config map", annotated(catalog.AnnotationCA, "configmap/trust/ca.crt"), route.Trust{CA: "ns/configmap/trust/ca.crt", ServerName: "web.ns.svc"}},
		{"of a secret, for another name", annotated(catalog.AnnotationCA, "secret/trust/ca.crt", catalog.AnnotationServerName, "db.example"), route.Trust{CA: "ns/secret/trust/ca.crt", ServerName: "db.example"}},
		{"misspelt: verified all the same", annotated(catalog.AnnotationCA, "trust"), route.Trust{CA: "ns/trust", ServerName: "web.ns.svc"}},
		{"empty: verified all the same", annotated(catalog.AnnotationCA, ""), route.Trust{CA: "ns/", ServerName: "web.ns.svc"}},
		{"a name alone", annotated(catalog.AnnotationServerName, "db.example"), route.Trust{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, _ := known(t, service("web", tt.change, http), slice("web", "http", 80, up("10.0.0.1")))
			b, err := c.Resolve(target(t, "services", "web"))
			if err != nil {
				t.Fatal(err)
			}
			if b.Trust != tt.want {
				t.Errorf("got %+v, want %+v", b.Trust, tt.want)
			}
		})
	}
}

// Section 1: sessionAffinity ClientIP with its timeout.
func TestAffinity(t *testing.T) {
	of := func(kind corev1.ServiceAffinity, cfg *corev1.SessionAffinityConfig) func(*corev1.Service) {
		return func(s *corev1.Service) { s.Spec.SessionAffinity, s.Spec.SessionAffinityConfig = kind, cfg }
	}
	for _, tt := range []struct {
		name   string
		change func(*corev1.Service)
		want   time.Duration
	}{
		{"none", of(corev1.ServiceAffinityNone, nil), 0},
		{"of clients, by default three hours", of(corev1.ServiceAffinityClientIP, nil), 3 * time.Hour},
		{"of clients, for a minute", of(corev1.ServiceAffinityClientIP, &corev1.SessionAffinityConfig{ClientIP: &corev1.ClientIPConfig{TimeoutSeconds: ptr(int32(60))}}), time.Minute},
		{"of clients, without a time", of(corev1.ServiceAffinityClientIP, &corev1.SessionAffinityConfig{}), 3 * time.Hour},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, _ := known(t, service("web", tt.change, http), slice("web", "http", 80, up("10.0.0.1")))
			b, err := c.Resolve(target(t, "services", "web"))
			if err != nil {
				t.Fatal(err)
			}
			if b.Affinity != tt.want {
				t.Errorf("got %v, want %v", b.Affinity, tt.want)
			}
		})
	}
}

// Whoever keeps something by a Backend finds it again after a change that does
// not concern it.
func TestBackendStaysUntilItChanges(t *testing.T) {
	ctx := t.Context()
	first := service("web", nil, http, corev1.ServicePort{Name: "tls", Port: 443})
	plain, tls := slice("web", "http", 80, up("10.0.0.1"), up("10.0.0.2")), slice("web", "tls", 443, up("10.0.0.1"))
	c, api := known(t, first.DeepCopy(), plain.DeepCopy(), tls.DeepCopy())
	backend := func(segment string) *route.Backend {
		b, err := c.Resolve(target(t, "services", segment))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	before, gone := backend("web:http"), backend("web:tls")
	tls.Endpoints = append(tls.Endpoints, up("10.0.0.9"))
	plain.Endpoints[0], plain.Endpoints[1] = plain.Endpoints[1], plain.Endpoints[0]
	first.Labels = map[string]string{"a": "b"}
	must(t, second(api.CoreV1().Services("ns").Update(ctx, first, metav1.UpdateOptions{})))
	must(t, second(api.DiscoveryV1().EndpointSlices("ns").Update(ctx, plain, metav1.UpdateOptions{})))
	must(t, second(api.DiscoveryV1().EndpointSlices("ns").Update(ctx, tls, metav1.UpdateOptions{})))
	eventually(t, "the change", func() bool { return backend("web:tls") != gone })
	if backend("web:http") != before {
		t.Error("a backend that did not change is another one")
	}
	first.Spec.SessionAffinity = corev1.ServiceAffinityClientIP
	must(t, second(api.CoreV1().Services("ns").Update(ctx, first, metav1.UpdateOptions{})))
	eventually(t, "the change", func() bool { return backend("web:http") != before })
}

// Every request resolves.
func TestResolvingDoesNotAllocate(t *testing.T) {
	c, _ := known(t, service("web", nil, http), slice("web", "http", 80, up("10.0.0.1")), service("bare", nil, corev1.ServicePort{Port: 80}), slice("bare", "", 80, up("10.0.0.1")),
		&corev1.Pod{ObjectMeta: meta("p"), Status: corev1.PodStatus{PodIP: "10.0.0.1"}},
		&corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "n"}, Status: corev1.NodeStatus{Addresses: []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: "10.1.0.1"}}}},
	)
	for _, of := range [][2]string{{"services", "web"}, {"services", "web:http"}, {"services", "web:80"}, {"services", "bare"}, {"pods", "p"}, {"pods", "p:8080"}, {"nodes", "n"}, {"nodes", "n:9100"}} {
		x := target(t, of[0], of[1])
		if n := testing.AllocsPerRun(100, func() {
			if _, err := c.Resolve(x); err != nil {
				t.Fatal(err)
			}
		}); n > 0 {
			t.Errorf("resolving %s %s allocates %v times", of[0], of[1], n)
		}
	}
}

// A pod and a node are resolved to what they are now, by whatever port was
// asked for before.
func TestPortsOfOneObjectAreToldApart(t *testing.T) {
	ctx := t.Context()
	pod := &corev1.Pod{ObjectMeta: meta("p"), Status: corev1.PodStatus{PodIP: "10.0.0.1"}}
	c, api := known(t, pod.DeepCopy())
	for range 3 {
		for _, want := range []string{"10.0.0.1:80", "10.0.0.1:81"} {
			check(t, c, "pods", "p:"+want[len(want)-2:], resolved{addrs: []string{want}})
		}
	}
	pod.Status.PodIP = "10.0.0.2"
	must(t, second(api.CoreV1().Pods("ns").UpdateStatus(ctx, pod, metav1.UpdateOptions{})))
	eventually(t, "the new address", func() bool {
		b, err := c.Resolve(target(t, "pods", "p:81"))
		return err == nil && b.Endpoints[0].String() == "10.0.0.2:81"
	})
}
