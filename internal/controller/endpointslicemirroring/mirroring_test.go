package endpointslicemirroring_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/causeway-access/causeway/internal/controller/controllertest"
	"github.com/causeway-access/causeway/internal/controller/endpointslicemirroring"
)

func service(selector map[string]string) *corev1.Service {
	return &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "db"},
		Spec:       corev1.ServiceSpec{Selector: selector},
	}
}

func endpoints(addresses ...string) *corev1.Endpoints {
	subset := corev1.EndpointSubset{Ports: []corev1.EndpointPort{{Name: "sql", Port: 5432, Protocol: corev1.ProtocolTCP}}}
	for _, address := range addresses {
		subset.Addresses = append(subset.Addresses, corev1.EndpointAddress{IP: address})
	}
	return &corev1.Endpoints{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "db", UID: "uid-endpoints"},
		Subsets:    []corev1.EndpointSubset{subset},
	}
}

// mirrored is the addresses in all mirrored slices, sorted.
func mirrored(t *testing.T, client *fake.Clientset) []string {
	t.Helper()
	list, err := client.DiscoveryV1().EndpointSlices("ns").List(t.Context(), metav1.ListOptions{
		LabelSelector: discoveryv1.LabelServiceName + "=db," + discoveryv1.LabelManagedBy + "=" + endpointslicemirroring.ManagedBy,
	})
	if err != nil {
		t.Fatal(err)
	}
	found := []string{}
	for _, slice := range list.Items {
		for _, endpoint := range slice.Endpoints {
			found = append(found, string(slice.AddressType)+" "+endpoint.Addresses[0])
		}
	}
	slices.Sort(found)
	return found
}

func TestOnlyEndpointsWrittenForOthersAreMirrored(t *testing.T) {
	skipped := endpoints("192.0.2.1")
	skipped.Labels = map[string]string{discoveryv1.LabelSkipMirror: "true"}
	lock := endpoints("192.0.2.1")
	lock.Annotations = map[string]string{"control-plane.alpha.kubernetes.io/leader": "{}"}
	for _, test := range []struct {
		name      string
		service   *corev1.Service
		endpoints *corev1.Endpoints
		want      []string
	}{
		{"service without a selector", service(nil), endpoints("192.0.2.1"), []string{"IPv4 192.0.2.1"}},
		{"both address families", service(nil), endpoints("192.0.2.1", "2001:db8::1"), []string{"IPv4 192.0.2.1", "IPv6 2001:db8::1"}},
		{"service with a selector", service(map[string]string{"app": "db"}), endpoints("192.0.2.1"), []string{}},
		{"labelled to be skipped", service(nil), skipped, []string{}},
		{"a lock", service(nil), lock, []string{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client := controllertest.NewClient(test.service, test.endpoints)
				controllertest.Run(t, client, func(context.Context) {
					if diff := cmp.Diff(test.want, mirrored(t, client)); diff != "" {
						t.Errorf("mirrored (-want +got):\n%s", diff)
					}
				}, endpointslicemirroring.New)
			})
		})
	}
}

func TestMirrorFollowsTheEndpoints(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := controllertest.NewClient(endpoints("192.0.2.1"))
		controllertest.Run(t, client, func(ctx context.Context) {
			expect := func(step string, err error, want ...string) {
				t.Helper()
				if err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
				if diff := cmp.Diff(append([]string{}, want...), mirrored(t, client)); diff != "" {
					t.Errorf("%s: mirrored (-want +got):\n%s", step, diff)
				}
			}
			core := client.CoreV1()
			expect("no service yet", nil)
			_, err := core.Services("ns").Create(ctx, service(nil), metav1.CreateOptions{})
			expect("the service came", err, "IPv4 192.0.2.1")
			_, err = core.Endpoints("ns").Update(ctx, endpoints("192.0.2.2", "192.0.2.3"), metav1.UpdateOptions{})
			expect("the addresses changed", err, "IPv4 192.0.2.2", "IPv4 192.0.2.3")
			expect("the service went", core.Services("ns").Delete(ctx, "db", metav1.DeleteOptions{}))
		}, endpointslicemirroring.New)
	})
}

func TestMirroredSliceBelongsToItsEndpoints(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := controllertest.NewClient(service(nil), endpoints("192.0.2.1"))
		controllertest.Run(t, client, func(ctx context.Context) {
			list, err := client.DiscoveryV1().EndpointSlices("ns").List(ctx, metav1.ListOptions{})
			if err != nil || len(list.Items) != 1 {
				t.Fatalf("%d slices, error %v, want one", len(list.Items), err)
			}
			owner := metav1.GetControllerOf(&list.Items[0])
			if owner == nil || owner.Kind != "Endpoints" || owner.UID != "uid-endpoints" {
				t.Errorf("controller of the slice is %v, want the endpoints", owner)
			}
		}, endpointslicemirroring.New)
	})
}
