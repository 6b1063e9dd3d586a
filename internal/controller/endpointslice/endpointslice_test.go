package endpointslice_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/utils/ptr"

	"github.com/causeway-access/causeway/internal/controller/controllertest"
	"github.com/causeway-access/causeway/internal/controller/endpointslice"
)

func service(name string, selector map[string]string) *corev1.Service {
	return &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: name, UID: "uid-" + "svc"},
		Spec: corev1.ServiceSpec{
			ClusterIP:  "10.96.0.10",
			IPFamilies: []corev1.IPFamily{corev1.IPv4Protocol},
			Selector:   selector,
			Ports:      []corev1.ServicePort{{Name: "http", Port: 80, Protocol: corev1.ProtocolTCP, TargetPort: intstr.FromInt32(8080)}},
		},
	}
}

func pod(name, ip string, ready bool) *corev1.Pod {
	status := corev1.ConditionFalse
	if ready {
		status = corev1.ConditionTrue
	}
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: name, Labels: map[string]string{"app": "web"}, ResourceVersion: "1"},
		Status: corev1.PodStatus{
			Phase:      corev1.PodRunning,
			PodIP:      ip,
			PodIPs:     []corev1.PodIP{{IP: ip}},
			Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: status}},
		},
	}
}

// addresses is what the slices of service web say: address and readiness.
func addresses(t *testing.T, client *fake.Clientset) map[string]bool {
	t.Helper()
	list, err := client.DiscoveryV1().EndpointSlices("ns").List(t.Context(), metav1.ListOptions{
		LabelSelector: discoveryv1.LabelServiceName + "=web," + discoveryv1.LabelManagedBy + "=" + endpointslice.ManagedBy,
	})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]bool{}
	for _, slice := range list.Items {
		for _, endpoint := range slice.Endpoints {
			got[endpoint.Addresses[0]] = *endpoint.Conditions.Ready
		}
	}
	return got
}

var web = map[string]string{"app": "web"}

func TestPodsOfASelectorBecomeEndpoints(t *testing.T) {
	withNode := func(node string) *corev1.Pod {
		pod := pod("a", "10.244.0.1", true)
		pod.Spec.NodeName = node
		return pod
	}
	homeless := pod("a", "", true)
	homeless.Status.PodIPs = nil
	deleted := pod("a", "10.244.0.1", true)
	deleted.DeletionTimestamp = ptr.To(metav1.Now())
	deleted.Finalizers = []string{"example.com/wait"}
	failed := pod("a", "10.244.0.1", true)
	failed.Status.Phase = corev1.PodFailed
	for _, test := range []struct {
		name    string
		pod     *corev1.Pod
		publish bool
		want    map[string]bool
	}{
		{name: "ready", pod: pod("a", "10.244.0.1", true), want: map[string]bool{"10.244.0.1": true}},
		{name: "not ready", pod: pod("a", "10.244.0.1", false), want: map[string]bool{"10.244.0.1": false}},
		{name: "not ready but published", pod: pod("a", "10.244.0.1", false), publish: true, want: map[string]bool{"10.244.0.1": true}},
		{name: "on a node that exists", pod: withNode("n1"), want: map[string]bool{"10.244.0.1": true}},
		{name: "on a node that does not exist", pod: withNode("n2"), want: map[string]bool{}},
		{name: "without an address", pod: homeless, want: map[string]bool{}},
		{name: "ended", pod: failed, want: map[string]bool{}},
		{name: "ending", pod: deleted, want: map[string]bool{"10.244.0.1": false}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				svc := service("web", web)
				svc.Spec.PublishNotReadyAddresses = test.publish
				client := controllertest.NewClient(svc, test.pod, &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "n1"}})
				controllertest.Run(t, client, func(context.Context) {
					if diff := cmp.Diff(test.want, addresses(t, client)); diff != "" {
						t.Errorf("endpoints (-want +got):\n%s", diff)
					}
				}, endpointslice.New)
			})
		})
	}
}

func TestSlicesFollowPods(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := controllertest.NewClient(service("web", web), pod("a", "10.244.0.1", true))
		pods := client.CoreV1().Pods("ns")
		controllertest.Run(t, client, func(ctx context.Context) {
			expect := func(step string, want map[string]bool) {
				t.Helper()
				time.Sleep(time.Second)
				synctest.Wait()
				if diff := cmp.Diff(want, addresses(t, client)); diff != "" {
					t.Errorf("%s: endpoints (-want +got):\n%s", step, diff)
				}
			}
			must(t)(pods.Create(ctx, pod("b", "10.244.0.2", false), metav1.CreateOptions{}))
			expect("a pod came", map[string]bool{"10.244.0.1": true, "10.244.0.2": false})
			ready := pod("b", "10.244.0.2", true)
			ready.ResourceVersion = "" // whichever there is
			must(t)(pods.Update(ctx, ready, metav1.UpdateOptions{}))
			expect("it became ready", map[string]bool{"10.244.0.1": true, "10.244.0.2": true})
			relabelled := pod("a", "10.244.0.1", true)
			relabelled.Labels = map[string]string{"app": "other"}
			must(t)(pods.Update(ctx, relabelled, metav1.UpdateOptions{}))
			expect("the other left the selector", map[string]bool{"10.244.0.2": true})
			if err := pods.Delete(ctx, "b", metav1.DeleteOptions{}); err != nil {
				t.Fatal(err)
			}
			expect("and the last went", map[string]bool{})
		}, endpointslice.New)
	})
}

func TestSlicesOfOthersAreLeftAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		byHand := &discoveryv1.EndpointSlice{
			ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "by-hand", Labels: map[string]string{
				discoveryv1.LabelServiceName: "web", discoveryv1.LabelManagedBy: "me",
			}},
			AddressType: discoveryv1.AddressTypeIPv4,
			Endpoints:   []discoveryv1.Endpoint{{Addresses: []string{"192.0.2.1"}}},
		}
		client := controllertest.NewClient(service("web", web), service("plain", nil), byHand)
		controllertest.Run(t, client, func(ctx context.Context) {
			got, err := client.DiscoveryV1().EndpointSlices("ns").Get(ctx, "by-hand", metav1.GetOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(byHand.Endpoints, got.Endpoints); diff != "" {
				t.Errorf("slice written by hand (-want +got):\n%s", diff)
			}
			all, err := client.DiscoveryV1().EndpointSlices("ns").List(ctx, metav1.ListOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if slices.ContainsFunc(all.Items, func(slice discoveryv1.EndpointSlice) bool {
				return slice.Labels[discoveryv1.LabelServiceName] == "plain"
			}) {
				t.Error("a slice was made for a service without a selector")
			}
		}, endpointslice.New)
	})
}

func TestSliceThatSomebodyDeletesComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := controllertest.NewClient(service("web", web), pod("a", "10.244.0.1", true))
		controllertest.Run(t, client, func(ctx context.Context) {
			list, err := client.DiscoveryV1().EndpointSlices("ns").List(ctx, metav1.ListOptions{})
			if err != nil || len(list.Items) != 1 {
				t.Fatalf("%d slices, error %v, want one", len(list.Items), err)
			}
			if err := client.DiscoveryV1().EndpointSlices("ns").Delete(ctx, list.Items[0].Name, metav1.DeleteOptions{}); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
			synctest.Wait()
			if diff := cmp.Diff(map[string]bool{"10.244.0.1": true}, addresses(t, client)); diff != "" {
				t.Errorf("endpoints (-want +got):\n%s", diff)
			}
		}, endpointslice.New)
	})
}

// must is for calls whose object does not matter.
func must(t *testing.T) func(*corev1.Pod, error) {
	return func(_ *corev1.Pod, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
}
