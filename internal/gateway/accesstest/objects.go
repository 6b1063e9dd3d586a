package accesstest

import (
	"net/netip"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// service returns a Service with the port "http", 80, and its slices: one per
// backend, since on loopback the backends differ by port.
func service(namespace, name string, backends ...netip.AddrPort) []runtime.Object {
	s := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec:       corev1.ServiceSpec{Ports: []corev1.ServicePort{{Name: "http", Port: 80}}},
	}
	out := []runtime.Object{s}
	for i, b := range backends {
		out = append(out, slice(s, "http", i, b, discoveryv1.EndpointConditions{}))
	}
	return out
}

// changed is service with the Service changed.
func changed(change func(*corev1.Service), name string, backends ...netip.AddrPort) []runtime.Object {
	out := service("default", name, backends...)
	change(out[0].(*corev1.Service))
	return out
}

// slice returns a slice with one endpoint for one port of a service.
func slice(s *corev1.Service, port string, i int, b netip.AddrPort, c discoveryv1.EndpointConditions) *discoveryv1.EndpointSlice {
	number, kind := int32(b.Port()), discoveryv1.AddressTypeIPv4
	if b.Addr().Is6() {
		kind = discoveryv1.AddressTypeIPv6
	}
	return &discoveryv1.EndpointSlice{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: s.Namespace, Name: s.Name + "-" + port + strconv.Itoa(i),
			Labels: map[string]string{discoveryv1.LabelServiceName: s.Name},
		},
		AddressType: kind,
		Ports:       []discoveryv1.EndpointPort{{Name: &port, Port: &number}},
		Endpoints:   []discoveryv1.Endpoint{{Addresses: []string{b.Addr().String()}, Conditions: c}},
	}
}

// pod returns a running pod with an address and declared ports.
func pod(name, ip string, ports ...corev1.ContainerPort) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "none"}, {Name: "c", Ports: ports}}},
		Status:     corev1.PodStatus{Phase: corev1.PodRunning, PodIP: ip},
	}
}

// node returns a node with a kubelet port, 10250 if zero, and addresses.
func node(name string, kubelet uint16, addresses ...corev1.NodeAddress) *corev1.Node {
	n := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name}, Status: corev1.NodeStatus{Addresses: addresses}}
	n.Status.DaemonEndpoints.KubeletEndpoint.Port = int32(kubelet)
	return n
}

// inner is the address of a node on this machine.
var inner = corev1.NodeAddress{Type: corev1.NodeInternalIP, Address: "127.0.0.1"}

// web is the path under which the script is reached.
const web = "/api/v1/namespaces/default/services/web/proxy"

// proxied returns the path of a name segment in the namespace default.
func proxied(resource, segment string) string {
	if resource == "nodes" {
		return "/api/v1/nodes/" + segment + "/proxy"
	}
	return "/api/v1/namespaces/default/" + resource + "/" + segment + "/proxy"
}

func ptr[T any](v T) *T { return &v }
