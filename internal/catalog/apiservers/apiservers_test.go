package apiservers_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/utils/ptr"

	"github.com/causeway-access/causeway/internal/catalog/apiservers"
)

func slice(ready *bool, name *string, port *int32, addresses ...string) *discoveryv1.EndpointSlice {
	return &discoveryv1.EndpointSlice{
		Ports:     []discoveryv1.EndpointPort{{Name: name, Port: port}},
		Endpoints: []discoveryv1.Endpoint{{Addresses: addresses, Conditions: discoveryv1.EndpointConditions{Ready: ready}}},
	}
}

func TestAddressesAreThoseThatAreReady(t *testing.T) {
	https, port := ptr.To("https"), ptr.To[int32](6443)
	for _, tt := range []struct {
		name string
		all  []*discoveryv1.EndpointSlice
		want []string
	}{
		{"no slice", nil, nil},
		{"sorted and each once", []*discoveryv1.EndpointSlice{
			slice(ptr.To(true), https, port, "192.0.2.2"), slice(nil, https, port, "192.0.2.1", "192.0.2.2"),
		}, []string{"192.0.2.1:6443", "192.0.2.2:6443"}},
		{"IPv6", []*discoveryv1.EndpointSlice{slice(nil, https, port, "2001:db8::1")}, []string{"[2001:db8::1]:6443"}},
		{"a port without a name", []*discoveryv1.EndpointSlice{slice(nil, nil, port, "192.0.2.1")}, []string{"192.0.2.1:6443"}},
		{"another port", []*discoveryv1.EndpointSlice{slice(nil, ptr.To("metrics"), port, "192.0.2.1")}, nil},
		{"all ports, which is none", []*discoveryv1.EndpointSlice{slice(nil, https, nil, "192.0.2.1")}, nil},
		{"one that is not ready", []*discoveryv1.EndpointSlice{slice(ptr.To(false), https, port, "192.0.2.1")}, nil},
	} {
		if diff := cmp.Diff(tt.want, apiservers.Addresses(tt.all)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

func TestWhichSlicesSpeakOfAPIServers(t *testing.T) {
	for _, tt := range []struct {
		namespace, service string
		want               bool
	}{{"default", "kubernetes", true}, {"shop", "kubernetes", false}, {"default", "web", false}, {"default", "", false}} {
		s := &discoveryv1.EndpointSlice{ObjectMeta: metav1.ObjectMeta{Namespace: tt.namespace, Labels: map[string]string{discoveryv1.LabelServiceName: tt.service}}}
		if got := apiservers.Speaks(s); got != tt.want {
			t.Errorf("%s/%s: %t", tt.namespace, tt.service, got)
		}
		if got := apiservers.Selector().Matches(labels.Set(s.Labels)); tt.namespace == apiservers.Namespace && got != tt.want {
			t.Errorf("the selector takes %s/%s: %t", tt.namespace, tt.service, got)
		}
	}
}
