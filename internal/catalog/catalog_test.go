package catalog_test

import (
	"context"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/causeway-access/causeway/internal/catalog"
	"github.com/causeway-access/causeway/internal/fault"
	"github.com/causeway-access/causeway/internal/route"
	"github.com/causeway-access/causeway/test/fakeapi"
)

// known returns a catalog of the objects, and the API that it watches.
func known(t testing.TB, objects ...runtime.Object) (*catalog.Catalog, *fake.Clientset) {
	t.Helper()
	api := fakeapi.NewClientset(objects...)
	factory := informers.NewSharedInformerFactory(api, 0)
	c, err := catalog.New(factory)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	factory.StartWithContext(ctx)
	t.Cleanup(func() { cancel(); factory.Shutdown() })
	eventually(t, "the first lists", c.HasSynced)
	return c, api
}

func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

func ptr[T any](v T) *T { return &v }

func meta(name string) metav1.ObjectMeta { return metav1.ObjectMeta{Namespace: "ns", Name: name} }

func service(name string, change func(*corev1.Service), ports ...corev1.ServicePort) *corev1.Service {
	s := &corev1.Service{ObjectMeta: meta(name), Spec: corev1.ServiceSpec{Ports: ports}}
	if change != nil {
		change(s)
	}
	return s
}

// slice returns a slice of a service with one port, by the name of the service's port.
func slice(service, port string, number int32, endpoints ...discoveryv1.Endpoint) *discoveryv1.EndpointSlice {
	s := &discoveryv1.EndpointSlice{
		ObjectMeta: meta(service + "-" + port), AddressType: discoveryv1.AddressTypeIPv4,
		Ports: []discoveryv1.EndpointPort{{Name: &port, Port: &number}}, Endpoints: endpoints,
	}
	s.Labels = map[string]string{discoveryv1.LabelServiceName: service}
	return s
}

func at(addr string, ready, serving, terminating bool) discoveryv1.Endpoint {
	return discoveryv1.Endpoint{Addresses: []string{addr}, Conditions: discoveryv1.EndpointConditions{
		Ready: &ready, Serving: &serving, Terminating: &terminating,
	}}
}

func up(addr string) discoveryv1.Endpoint { return at(addr, true, true, false) }

// target parses a current URL, resource and segment given.
func target(t testing.TB, resource, segment string) *route.Target {
	t.Helper()
	path := "/api/v1/namespaces/ns/" + resource + "/" + segment + "/proxy/"
	if resource == "nodes" {
		path = "/api/v1/nodes/" + segment + "/proxy/"
	}
	out, ok := route.Parse(path, "")
	if !ok || out.Check() != nil {
		t.Fatalf("%s is no target", path)
	}
	return &out
}

// resolved is what a table row expects: addresses and scheme, or a fault.
type resolved struct {
	addrs  []string
	scheme string
	kind   fault.Kind
	words  string
}

func check(t *testing.T, c *catalog.Catalog, resource, segment string, want resolved) {
	t.Helper()
	b, err := c.Resolve(target(t, resource, segment))
	if want.words != "" {
		if !fault.Is(err, want.kind) || fault.Status(err).Message != want.words {
			t.Errorf("%s: got %v, %v; want %q (kind %d)", segment, b, err, want.words, want.kind)
		}
		return
	}
	if err != nil {
		t.Errorf("%s: %v", segment, err)
		return
	}
	var addrs []string
	for _, e := range b.Endpoints {
		addrs = append(addrs, e.String())
	}
	if diff := cmp.Diff(want.addrs, addrs, cmpopts.SortSlices(func(a, b string) bool { return a < b })); diff != "" {
		t.Errorf("%s: endpoints, -want +got:\n%s", segment, diff)
	}
	if want.scheme != "" && b.Scheme != want.scheme {
		t.Errorf("%s: scheme %q, want %q", segment, b.Scheme, want.scheme)
	}
}

// Section 1, service port.
func TestServicePorts(t *testing.T) {
	c, _ := known(t,
		service("one", nil, corev1.ServicePort{Name: "http", Port: 80}),
		slice("one", "http", 8080, up("10.0.0.1"), up("10.0.0.2")),
		service("two", nil, corev1.ServicePort{Name: "http", Port: 80}, corev1.ServicePort{Name: "tls", Port: 443, AppProtocol: ptr("https")}),
		slice("two", "http", 8080, up("10.0.0.3")), slice("two", "tls", 8443, up("10.0.0.3")),
		service("unnamed", nil, corev1.ServicePort{Port: 81}, corev1.ServicePort{Name: "x", Port: 82}),
		slice("unnamed", "", 9, up("10.0.0.4")),
		service("dns", nil, corev1.ServicePort{Name: "udp", Port: 53, Protocol: corev1.ProtocolUDP}, corev1.ServicePort{Name: "tcp", Port: 53, Protocol: corev1.ProtocolTCP}),
		slice("dns", "tcp", 5353, up("10.0.0.5")),
		service("grpc", nil, corev1.ServicePort{Port: 1, AppProtocol: ptr("kubernetes.io/h2c")}), slice("grpc", "", 1, up("10.0.0.6")),
		service("wss", nil, corev1.ServicePort{Port: 1, AppProtocol: ptr("kubernetes.io/wss")}), slice("wss", "", 1, up("10.0.0.7")),
		service("ws", nil, corev1.ServicePort{Port: 1, AppProtocol: ptr("kubernetes.io/ws")}), slice("ws", "", 1, up("10.0.0.8")),
		service("strange", nil, corev1.ServicePort{Port: 1, AppProtocol: ptr("example.com/own")}), slice("strange", "", 1, up("10.0.0.9")),
		service("https", nil, corev1.ServicePort{Name: "a", Port: 1}, corev1.ServicePort{Name: "b", Port: 2}), slice("https", "a", 1, up("10.0.0.10")),
		service("numbers", nil, corev1.ServicePort{Port: 81}, corev1.ServicePort{Port: 82}), slice("numbers", "", 1, up("10.0.0.11")),
		service("headless", func(s *corev1.Service) { s.Spec.ClusterIP = corev1.ClusterIPNone }, corev1.ServicePort{Name: "http", Port: 80}),
		slice("headless", "http", 80, up("10.0.0.12")),
		service("selected", func(s *corev1.Service) { s.Spec.Selector = map[string]string{"a": "b"} }, corev1.ServicePort{Name: "http", Port: 80}),
		slice("selected", "http", 80, up("10.0.0.13")),
		service("empty", nil, corev1.ServicePort{Port: 1}),
		service("portless", nil),
		service("out", func(s *corev1.Service) {
			s.Spec.Type, s.Spec.ExternalName = corev1.ServiceTypeExternalName, "example.com"
		}, corev1.ServicePort{Port: 1}),
	)
	tests := []struct {
		name, segment string
		want          resolved
	}{
		{"no port, one port of any name", "one", resolved{addrs: []string{"10.0.0.1:8080", "10.0.0.2:8080"}, scheme: "http"}},
		{"by name", "one:http", resolved{addrs: []string{"10.0.0.1:8080", "10.0.0.2:8080"}}},
		{"by number of the service", "one:80", resolved{addrs: []string{"10.0.0.1:8080", "10.0.0.2:8080"}}},
		{"by number and name alike", "http:one:80", resolved{addrs: []string{"10.0.0.1:8080", "10.0.0.2:8080"}}},
		{"an empty scheme", ":one:http", resolved{addrs: []string{"10.0.0.1:8080", "10.0.0.2:8080"}}},
		{"a colon and no port", "one:", resolved{addrs: []string{"10.0.0.1:8080", "10.0.0.2:8080"}}},
		{"a scheme and no port", "https:one:", resolved{addrs: []string{"10.0.0.1:8080", "10.0.0.2:8080"}}},
		{"https:a is port a of service https", "https:a", resolved{addrs: []string{"10.0.0.10:1"}}},
		{"a port without endpoints beside one with", "https:b", resolved{kind: fault.Unavailable, words: `no endpoints available for service "https"`}},
		{"a number beyond all ports", "one:70000", resolved{kind: fault.Unavailable, words: `no service port 70000 found for service "one"`}},
		{"a number beyond all numbers", "one:99999999999999999999", resolved{kind: fault.Unavailable, words: `no service port 99999999999999999999 found for service "one"`}},
		{"a negative number is a name", "one:-80", resolved{kind: fault.Unavailable, words: `no endpoints available for service "one": it has no port named "-80"; choose one of: http`}},
		{"a number with leading zeros", "one:080", resolved{addrs: []string{"10.0.0.1:8080", "10.0.0.2:8080"}}},
		{"headless", "headless", resolved{addrs: []string{"10.0.0.12:80"}}},
		{"with a selector", "selected:http", resolved{addrs: []string{"10.0.0.13:80"}}},
		{"not by number of the endpoint", "one:8080", resolved{kind: fault.Unavailable, words: `no service port 8080 found for service "one"`}},
		{"several, none unnamed", "two", resolved{kind: fault.Unavailable, words: `no endpoints available for service "two": it has several ports; choose one of: http, tls`}},
		{"appProtocol https", "two:tls", resolved{addrs: []string{"10.0.0.3:8443"}, scheme: "https"}},
		{"no such name", "two:ftp", resolved{kind: fault.Unavailable, words: `no endpoints available for service "two": it has no port named "ftp"; choose one of: http, tls`}},
		{"no port, the unnamed one", "unnamed", resolved{addrs: []string{"10.0.0.4:9"}}},
		{"a number shared with UDP", "dns:53", resolved{addrs: []string{"10.0.0.5:5353"}}},
		{"appProtocol wss", "wss", resolved{addrs: []string{"10.0.0.7:1"}, scheme: "https"}},
		{"appProtocol ws", "ws", resolved{addrs: []string{"10.0.0.8:1"}, scheme: "http"}},
		{"an appProtocol that nobody knows", "strange", resolved{addrs: []string{"10.0.0.9:1"}, scheme: "http"}},
		{"several, the first unnamed", "numbers", resolved{addrs: []string{"10.0.0.11:1"}}},
		{"appProtocol h2c", "grpc", resolved{addrs: []string{"10.0.0.6:1"}, scheme: "h2c"}},
		{"no endpoints", "empty", resolved{kind: fault.Unavailable, words: `no endpoints available for service "empty"`}},
		{"no ports", "portless", resolved{kind: fault.Unavailable, words: `no endpoints available for service "portless"`}},
		{"absent", "gone", resolved{kind: fault.NotFound, words: `services "gone" not found`}},
		{"ExternalName", "out", resolved{kind: fault.Unavailable, words: `no endpoints available for service "out": it is of type ExternalName (example.com), which is never dialled`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { check(t, c, "services", tt.segment, tt.want) })
	}
}

// Section 1, pod port.
func TestPodPorts(t *testing.T) {
	pod := func(name, ip string, phase corev1.PodPhase, ports ...corev1.ContainerPort) *corev1.Pod {
		return &corev1.Pod{ObjectMeta: meta(name), Spec: corev1.PodSpec{Containers: []corev1.Container{{}, {Ports: ports}}}, Status: corev1.PodStatus{PodIP: ip, Phase: phase}}
	}
	c, _ := known(t,
		pod("p", "10.0.0.1", corev1.PodRunning, corev1.ContainerPort{ContainerPort: 8080}, corev1.ContainerPort{Name: "admin", ContainerPort: 9090}),
		pod("bare", "10.0.0.2", corev1.PodRunning), pod("new", "", corev1.PodPending), pod("done", "10.0.0.3", corev1.PodSucceeded),
		pod("failed", "10.0.0.3", corev1.PodFailed), pod("six", "fd00::6", corev1.PodRunning),
		pod("udp", "10.0.0.4", corev1.PodRunning, corev1.ContainerPort{Name: "dns", ContainerPort: 53, Protocol: corev1.ProtocolUDP}, corev1.ContainerPort{ContainerPort: 8081}),
	)
	for _, tt := range []struct {
		name, segment string
		want          resolved
	}{
		{"the first declared", "p", resolved{addrs: []string{"10.0.0.1:8080"}}},
		{"a number", "p:1234", resolved{addrs: []string{"10.0.0.1:1234"}}},
		{"a name", "p:admin", resolved{addrs: []string{"10.0.0.1:9090"}}},
		{"no such name", "p:x", resolved{kind: fault.BadRequest, words: `no port "x" on pod "p": it is neither a number from 1 to 65535 nor the name of a port`}},
		{"no such number", "p:65536", resolved{kind: fault.BadRequest, words: `no port "65536" on pod "p": it is neither a number from 1 to 65535 nor the name of a port`}},
		{"zero", "p:0", resolved{kind: fault.BadRequest, words: `no port "0" on pod "p": it is neither a number from 1 to 65535 nor the name of a port`}},
		{"default of http", "bare", resolved{addrs: []string{"10.0.0.2:80"}}},
		{"default of https", "https:bare:", resolved{addrs: []string{"10.0.0.2:443"}}},
		{"a declared number", "p:9090", resolved{addrs: []string{"10.0.0.1:9090"}, scheme: "http"}},
		{"a scheme and a name", "https:p:admin", resolved{addrs: []string{"10.0.0.1:9090"}}},
		{"a port of UDP does not count", "udp", resolved{addrs: []string{"10.0.0.4:8081"}}},
		{"its name neither", "udp:dns", resolved{kind: fault.BadRequest, words: `no port "dns" on pod "udp": it is neither a number from 1 to 65535 nor the name of a port`}},
		{"IPv6", "six", resolved{addrs: []string{"[fd00::6]:80"}}},
		{"failed", "failed", resolved{kind: fault.Unavailable, words: `pod "failed" has finished`}},
		{"no address", "new", resolved{kind: fault.Unavailable, words: `pod "new" has no address yet`}},
		{"finished", "done", resolved{kind: fault.Unavailable, words: `pod "done" has finished`}},
		{"absent", "gone", resolved{kind: fault.NotFound, words: `pods "gone" not found`}},
	} {
		t.Run(tt.name, func(t *testing.T) { check(t, c, "pods", tt.segment, tt.want) })
	}
}

// Section 1, node port.
func TestNodes(t *testing.T) {
	node := func(name string, kubelet int32, addrs ...corev1.NodeAddress) *corev1.Node {
		n := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name}, Status: corev1.NodeStatus{Addresses: addrs}}
		n.Status.DaemonEndpoints.KubeletEndpoint.Port = kubelet
		return n
	}
	c, _ := known(t,
		node("a", 0, corev1.NodeAddress{Type: corev1.NodeHostName, Address: "a"}, corev1.NodeAddress{Type: corev1.NodeInternalIP, Address: "10.1.0.1"}),
		node("b", 20250, corev1.NodeAddress{Type: corev1.NodeHostName, Address: "b.example"}), node("c", 0),
		node("d", 0, corev1.NodeAddress{Type: corev1.NodeExternalDNS, Address: "d.example"}, corev1.NodeAddress{Type: corev1.NodeExternalIP, Address: "198.51.100.1"}),
		node("e", 0, corev1.NodeAddress{Type: corev1.NodeInternalIP, Address: "fd00::5"}, corev1.NodeAddress{Type: corev1.NodeInternalIP, Address: "10.1.0.5"}),
	)
	for _, tt := range []struct {
		name, segment string
		want          resolved
		trusted       bool
	}{
		{"the kubelet's port", "a", resolved{addrs: []string{"10.1.0.1:10250"}, scheme: "https"}, true},
		{"the same by number", "a:10250", resolved{addrs: []string{"10.1.0.1:10250"}, scheme: "https"}, true},
		{"another port", "a:9100", resolved{addrs: []string{"10.1.0.1:9100"}, scheme: "http"}, false},
		{"a port of its own, and no address but a name", "b", resolved{addrs: []string{"b.example:20250"}, scheme: "https"}, true},
		{"the usual port where it is another's", "b:10250", resolved{addrs: []string{"b.example:10250"}, scheme: "http"}, false},
		{"a name is no port", "a:http", resolved{kind: fault.BadRequest, words: `no port "http" on node "a": it is neither a number from 1 to 65535 nor the name of a port`}, false},
		{"an outer address before a name", "d", resolved{addrs: []string{"198.51.100.1:10250"}, scheme: "https"}, true},
		{"the first of one type", "e:80", resolved{addrs: []string{"[fd00::5]:80"}, scheme: "http"}, false},
		{"a number beyond all ports", "a:65536", resolved{kind: fault.BadRequest, words: `no port "65536" on node "a": it is neither a number from 1 to 65535 nor the name of a port`}, false},
		{"no address", "c", resolved{kind: fault.Unavailable, words: `node "c" has no address`}, false},
		{"absent", "gone", resolved{kind: fault.NotFound, words: `nodes "gone" not found`}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			check(t, c, "nodes", tt.segment, tt.want)
			if b, err := c.Resolve(target(t, "nodes", tt.segment)); err == nil && b.Trust.Node != tt.trusted {
				t.Errorf("the gateway's certificate is shown: %t, want %t", b.Trust.Node, tt.trusted)
			}
		})
	}
}

func TestAffinityAndTrustComeFromTheService(t *testing.T) {
	c, _ := known(t,
		service("web", func(s *corev1.Service) {
			s.Spec.SessionAffinity = corev1.ServiceAffinityClientIP
			s.Spec.SessionAffinityConfig = &corev1.SessionAffinityConfig{ClientIP: &corev1.ClientIPConfig{TimeoutSeconds: ptr(int32(60))}}
			s.Annotations = map[string]string{catalog.AnnotationCA: "configmap/trust/ca.crt"}
		}, corev1.ServicePort{Name: "http", Port: 80}), slice("web", "http", 1, up("10.0.0.1")),
	)
	got, err := c.Resolve(target(t, "services", "web"))
	if err != nil {
		t.Fatal(err)
	}
	want := &route.Backend{
		Resource: route.Services, Namespace: "ns", Name: "web", Port: "http", Scheme: "http", Affinity: time.Minute,
		Endpoints: []route.Endpoint{{Addr: netip.MustParseAddrPort("10.0.0.1:1")}},
		Trust:     route.Trust{CA: "ns/configmap/trust/ca.crt", ServerName: "web.ns.svc"},
	}
	if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b netip.AddrPort) bool { return a == b })); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// A story: a service comes to be, moves, and goes.
func TestCatalogFollowsTheCluster(t *testing.T) {
	c, api := known(t)
	ctx := context.Background()
	services, slices := api.CoreV1().Services("ns"), api.DiscoveryV1().EndpointSlices("ns")
	web := target(t, "services", "web")
	first := func() string {
		b, err := c.Resolve(web)
		if err != nil {
			return fault.Status(err).Message
		}
		return b.Endpoints[0].String()
	}
	expect := func(want string) {
		t.Helper()
		eventually(t, want, func() bool { return first() == want })
	}
	s := slice("web", "http", 80, up("10.0.0.1"))
	must(t, second(slices.Create(ctx, s, metav1.CreateOptions{}))) // the slice may come first
	must(t, second(services.Create(ctx, service("web", nil, corev1.ServicePort{Name: "http", Port: 80}), metav1.CreateOptions{})))
	expect("10.0.0.1:80")
	s = s.DeepCopy()
	s.Endpoints = []discoveryv1.Endpoint{up("10.0.0.2")}
	must(t, second(slices.Update(ctx, s, metav1.UpdateOptions{})))
	expect("10.0.0.2:80")
	s = s.DeepCopy()
	s.Labels[discoveryv1.LabelServiceName] = "other"
	must(t, second(slices.Update(ctx, s, metav1.UpdateOptions{})))
	expect(`no endpoints available for service "web"`)
	s = s.DeepCopy()
	s.Labels[discoveryv1.LabelServiceName] = "web"
	must(t, second(slices.Update(ctx, s, metav1.UpdateOptions{})))
	expect("10.0.0.2:80")
	must(t, services.Delete(ctx, "web", metav1.DeleteOptions{}))
	expect(`services "web" not found`)
	must(t, second(services.Create(ctx, service("web", nil, corev1.ServicePort{Name: "http", Port: 80}), metav1.CreateOptions{})))
	expect("10.0.0.2:80") // its slice is still there
	must(t, slices.Delete(ctx, s.Name, metav1.DeleteOptions{}))
	expect(`no endpoints available for service "web"`)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func second[T any](_ T, err error) error { return err }

func TestNothingIsResolvedBeforeTheFirstLists(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, err := catalog.New(informers.NewSharedInformerFactory(fakeapi.NewClientset(), 0))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Resolve(target(t, "services", "web")); !fault.Is(err, fault.Unavailable) {
			t.Errorf("got %v, want a fault that says to try again", err)
		}
	})
}
