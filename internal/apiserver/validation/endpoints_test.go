package validation_test

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/utils/ptr"

	"github.com/causeway-access/causeway/internal/apiserver/validation"
)

const handEndpoints = `{apiVersion: v1, kind: Endpoints, metadata: {name: db, namespace: default},
subsets: [{addresses: [{ip: 192.0.2.1}], ports: [{port: 5432}]}]}`

func TestEndpointsAreRefusedWhenCreated(t *testing.T) {
	ip := func(value string) func(*corev1.Endpoints) {
		return func(e *corev1.Endpoints) { e.Subsets[0].Addresses[0].IP = value }
	}
	at := []string{invalid + " subsets[0].addresses[0].ip"}
	creations(t, core("endpoints"), handEndpoints, []change[*corev1.Endpoints]{
		{"loopback", ip("127.0.0.1"), at},
		{"IPv6 loopback", ip("::1"), at},
		{"link-local", ip("169.254.169.254"), at},
		{"unspecified", ip("0.0.0.0"), at},
		{"multicast", ip("224.0.0.1"), at},
		{"a name", ip("db.example.org"), at},
		{"nothing", ip(""), at},
		{"no address", func(e *corev1.Endpoints) { e.Subsets[0].Addresses = nil }, []string{required + " subsets[0]"}},
		{"only one that is not ready", func(e *corev1.Endpoints) {
			e.Subsets[0].NotReadyAddresses, e.Subsets[0].Addresses = e.Subsets[0].Addresses, nil
		}, nil},
		{"bad host name", func(e *corev1.Endpoints) { e.Subsets[0].Addresses[0].Hostname = "a.b" }, []string{invalid + " subsets[0].addresses[0].hostname"}},
		{"bad node", func(e *corev1.Endpoints) { e.Subsets[0].Addresses[0].NodeName = ptr.To("A") }, []string{invalid + " subsets[0].addresses[0].nodeName"}},
		{"port 0", func(e *corev1.Endpoints) { e.Subsets[0].Ports[0].Port = 0 }, []string{invalid + " subsets[0].ports[0].port"}},
		{"unknown protocol", func(e *corev1.Endpoints) { e.Subsets[0].Ports[0].Protocol = "X" }, []string{unsupported + " subsets[0].ports[0].protocol"}},
		{"two ports, one without name", func(e *corev1.Endpoints) {
			e.Subsets[0].Ports = append(e.Subsets[0].Ports, corev1.EndpointPort{Name: "b", Port: 2, Protocol: "TCP"})
		}, []string{required + " subsets[0].ports[0].name"}},
	})
}

func TestEndpointsThatDoNotChangeAreNotJudged(t *testing.T) {
	old := stored[*corev1.Endpoints](t, handEndpoints)
	old.Subsets[0].Addresses[0].IP = "127.0.0.1"
	updates(t, validation.For(core("endpoints")).Update, old, []change[*corev1.Endpoints]{
		{"a label", func(e *corev1.Endpoints) { e.Labels = map[string]string{"a": "b"} }, nil},
		{"another port", func(e *corev1.Endpoints) { e.Subsets[0].Ports[0].Port = 1 }, []string{invalid + " subsets[0].addresses[0].ip"}},
	})
}

const handSlice = `{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: {name: db-1, namespace: default}, addressType: IPv4,
endpoints: [{addresses: [192.0.2.1], hints: {forZones: [{name: a}]}}], ports: [{name: sql, port: 5432}]}`

func endpointSlices() schema.GroupResource {
	return schema.GroupResource{Group: discoveryv1.GroupName, Resource: "endpointslices"}
}

func TestEndpointSliceIsRefusedWhenCreated(t *testing.T) {
	address := func(kind discoveryv1.AddressType, value string) func(*discoveryv1.EndpointSlice) {
		return func(s *discoveryv1.EndpointSlice) { s.AddressType, s.Endpoints[0].Addresses = kind, []string{value} }
	}
	at := []string{invalid + " endpoints[0].addresses[0]"}
	creations(t, endpointSlices(), handSlice, []change[*discoveryv1.EndpointSlice]{
		{"no address type", address("", "192.0.2.1"), []string{required + " addressType"}},
		{"unknown address type", address("IPv5", "192.0.2.1"), []string{unsupported + " addressType"}},
		{"IPv6 where IPv4 is said", address("IPv4", "2001:db8::1"), at},
		{"IPv4 where IPv6 is said", address("IPv6", "192.0.2.1"), at},
		{"IPv6", address("IPv6", "2001:db8::1"), nil},
		{"a name", address("FQDN", "db.example.org"), nil},
		{"a name of one label", address("FQDN", "db"), at},
		{"a name where an address is said", address("IPv4", "db.example.org"), at},
		{"loopback", address("IPv4", "127.0.0.1"), at},
		{"link-local", address("IPv6", "fe80::1"), at},
		{"no address", func(s *discoveryv1.EndpointSlice) { s.Endpoints[0].Addresses = nil }, []string{required + " endpoints[0].addresses"}},
		{"101 addresses", func(s *discoveryv1.EndpointSlice) { s.Endpoints[0].Addresses = make([]string, 101) }, []string{many + " endpoints[0].addresses"}},
		{"1001 endpoints", func(s *discoveryv1.EndpointSlice) { s.Endpoints = make([]discoveryv1.Endpoint, 1001) }, []string{many + " endpoints"}},
		{"bad host name", func(s *discoveryv1.EndpointSlice) { s.Endpoints[0].Hostname = ptr.To("a.b") }, []string{invalid + " endpoints[0].hostname"}},
		{"bad node", func(s *discoveryv1.EndpointSlice) { s.Endpoints[0].NodeName = ptr.To("A") }, []string{invalid + " endpoints[0].nodeName"}},
		{"zone hinted twice", func(s *discoveryv1.EndpointSlice) {
			s.Endpoints[0].Hints.ForZones = []discoveryv1.ForZone{{Name: "a"}, {Name: "a"}}
		}, []string{duplicate + " endpoints[0].hints.forZones[1].name"}},
		{"nine zones", func(s *discoveryv1.EndpointSlice) {
			s.Endpoints[0].Hints.ForZones = make([]discoveryv1.ForZone, 9)
		}, []string{many + " endpoints[0].hints.forZones"}},
		{"port name twice", func(s *discoveryv1.EndpointSlice) { s.Ports = append(s.Ports, s.Ports[0]) }, []string{duplicate + " ports[1].name"}},
		{"no protocol", func(s *discoveryv1.EndpointSlice) { s.Ports[0].Protocol = nil }, []string{required + " ports[0].protocol"}},
		{"unknown protocol", func(s *discoveryv1.EndpointSlice) { s.Ports[0].Protocol = ptr.To[corev1.Protocol]("X") }, []string{unsupported + " ports[0].protocol"}},
		{"bad appProtocol", func(s *discoveryv1.EndpointSlice) { s.Ports[0].AppProtocol = ptr.To("a b") }, []string{invalid + " ports[0].appProtocol"}},
		{"all ports", func(s *discoveryv1.EndpointSlice) { s.Ports[0].Port = nil }, nil},
		{"port out of range", func(s *discoveryv1.EndpointSlice) { s.Ports[0].Port = ptr.To[int32](65536) }, []string{invalid + " ports[0].port"}},
	})
}

func TestEndpointSliceKeepsItsAddressType(t *testing.T) {
	updates(t, validation.For(endpointSlices()).Update, stored[*discoveryv1.EndpointSlice](t, handSlice), []change[*discoveryv1.EndpointSlice]{
		{"another endpoint", func(s *discoveryv1.EndpointSlice) { s.Endpoints[0].Addresses[0] = "192.0.2.2" }, nil},
		{"another type", func(s *discoveryv1.EndpointSlice) {
			s.AddressType, s.Endpoints[0].Addresses[0] = "IPv6", "2001:db8::1"
		}, []string{invalid + " addressType"}},
	})
}
