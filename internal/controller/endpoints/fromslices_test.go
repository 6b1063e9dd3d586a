package endpoints_test

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/causeway-access/causeway/internal/controller/controllertest"
	"github.com/causeway-access/causeway/internal/controller/endpoints"
)

func bareService() *corev1.Service {
	s := service()
	s.Spec.Selector = nil
	return s
}

func slice(name, managedBy string, ready *bool, addresses ...string) *discoveryv1.EndpointSlice {
	s := &discoveryv1.EndpointSlice{
		ObjectMeta:  metav1.ObjectMeta{Namespace: "ns", Name: name, Labels: map[string]string{discoveryv1.LabelServiceName: "web"}},
		AddressType: discoveryv1.AddressTypeIPv4,
		Ports:       []discoveryv1.EndpointPort{{Name: ptr.To("http"), Port: ptr.To[int32](8080)}},
	}
	if managedBy != "" {
		s.Labels[discoveryv1.LabelManagedBy] = managedBy
	}
	for _, a := range addresses {
		s.Endpoints = append(s.Endpoints, discoveryv1.Endpoint{Addresses: []string{a}, Conditions: discoveryv1.EndpointConditions{Ready: ready}})
	}
	return s
}

func TestSlicesWrittenByHandAreShownAsEndpoints(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := controllertest.NewClient(bareService(),
			slice("a", "", nil, "192.0.2.2", "192.0.2.1"), slice("b", "", ptr.To(false), "192.0.2.3"))
		controllertest.Run(t, client, func(ctx context.Context) {
			got, err := client.CoreV1().Endpoints("ns").Get(ctx, "web", metav1.GetOptions{})
			if err != nil {
				t.Fatal(err)
			}
			want := []corev1.EndpointSubset{{
				Addresses:         []corev1.EndpointAddress{{IP: "192.0.2.1"}, {IP: "192.0.2.2"}},
				NotReadyAddresses: []corev1.EndpointAddress{{IP: "192.0.2.3"}},
				Ports:             []corev1.EndpointPort{{Name: "http", Port: 8080, Protocol: corev1.ProtocolTCP}},
			}}
			if d := cmp.Diff(want, got.Subsets); d != "" {
				t.Errorf("subsets (-want +got):\n%s", d)
			}
			if got.Labels[discoveryv1.LabelSkipMirror] != "true" {
				t.Errorf("labels %v let the Endpoints be made into slices again", got.Labels)
			}
			for _, name := range []string{"a", "b"} {
				if err := client.DiscoveryV1().EndpointSlices("ns").Delete(ctx, name, metav1.DeleteOptions{}); err != nil {
					t.Fatal(err)
				}
			}
			synctest.Wait()
			if _, err := client.CoreV1().Endpoints("ns").Get(ctx, "web", metav1.GetOptions{}); !apierrors.IsNotFound(err) {
				t.Errorf("without slices: got %v, want that the Endpoints are gone", err)
			}
		}, endpoints.New)
	})
}

func TestOtherEndpointsAndSlicesAreLeftAlone(t *testing.T) {
	byHand := &corev1.Endpoints{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "web"},
		Subsets:    []corev1.EndpointSubset{{Addresses: []corev1.EndpointAddress{{IP: "192.0.2.9"}}}},
	}
	t.Run("Endpoints written by hand", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			client := controllertest.NewClient(bareService(), byHand, slice("a", "", nil, "192.0.2.1"))
			controllertest.Run(t, client, func(ctx context.Context) {
				got, err := client.CoreV1().Endpoints("ns").Get(ctx, "web", metav1.GetOptions{})
				if err != nil {
					t.Fatal(err)
				}
				if d := cmp.Diff(byHand.Subsets, got.Subsets); d != "" {
					t.Errorf("(-want +got):\n%s", d)
				}
			}, endpoints.New)
		})
	})
	t.Run("slices mirrored from Endpoints", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			client := controllertest.NewClient(bareService(), slice("a", "endpointslicemirroring-controller.k8s.io", nil, "192.0.2.1"))
			controllertest.Run(t, client, func(ctx context.Context) {
				if _, err := client.CoreV1().Endpoints("ns").Get(ctx, "web", metav1.GetOptions{}); !apierrors.IsNotFound(err) {
					t.Errorf("got %v, want no Endpoints", err)
				}
			}, endpoints.New)
		})
	})
}
