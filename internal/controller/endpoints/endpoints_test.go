package endpoints_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/causeway-access/causeway/internal/controller/controllertest"
	"github.com/causeway-access/causeway/internal/controller/endpoints"
)

func service() *corev1.Service {
	return &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "web", Labels: map[string]string{"tier": "front"}},
		Spec: corev1.ServiceSpec{
			ClusterIP: "10.96.0.10",
			Selector:  map[string]string{"app": "web"},
			Ports: []corev1.ServicePort{
				{Name: "http", Port: 80, Protocol: corev1.ProtocolTCP, TargetPort: intstr.FromInt32(8080)},
				{Name: "metrics", Port: 90, Protocol: corev1.ProtocolTCP, TargetPort: intstr.FromString("metrics")},
			},
		},
	}
}

func pod(name, ip string, ready bool, metrics int32) *corev1.Pod {
	status := corev1.ConditionFalse
	if ready {
		status = corev1.ConditionTrue
	}
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: name, UID: types.UID("uid-" + name), Labels: map[string]string{"app": "web"}},
		Status: corev1.PodStatus{
			PodIP:      ip,
			PodIPs:     []corev1.PodIP{{IP: ip}},
			Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: status}},
		},
	}
	if metrics > 0 {
		pod.Spec.Containers = []corev1.Container{{Name: "c", Ports: []corev1.ContainerPort{
			{Name: "metrics", ContainerPort: metrics, Protocol: corev1.ProtocolTCP},
		}}}
	}
	return pod
}

func TestSubsetsHaveThePodsThatServeTheSamePorts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := controllertest.NewClient(service(),
			pod("b", "10.244.0.2", true, 9100), pod("a", "10.244.0.1", true, 9100),
			pod("late", "10.244.0.3", false, 9100), pod("odd", "10.244.0.4", true, 9200), pod("bare", "10.244.0.5", true, 0))
		controllertest.Run(t, client, func(ctx context.Context) {
			got, err := client.CoreV1().Endpoints("ns").Get(ctx, "web", metav1.GetOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(map[string]string{"tier": "front", endpoints.LabelManagedBy: endpoints.ManagedBy}, got.Labels); diff != "" {
				t.Errorf("labels (-want +got):\n%s", diff)
			}
			http := corev1.EndpointPort{Name: "http", Port: 8080, Protocol: corev1.ProtocolTCP}
			metrics := func(port int32) corev1.EndpointPort {
				return corev1.EndpointPort{Name: "metrics", Port: port, Protocol: corev1.ProtocolTCP}
			}
			want := []corev1.EndpointSubset{
				{Addresses: []corev1.EndpointAddress{address("bare", "10.244.0.5")}, Ports: []corev1.EndpointPort{http}},
				{
					Addresses:         []corev1.EndpointAddress{address("a", "10.244.0.1"), address("b", "10.244.0.2")},
					NotReadyAddresses: []corev1.EndpointAddress{address("late", "10.244.0.3")},
					Ports:             []corev1.EndpointPort{http, metrics(9100)},
				},
				{Addresses: []corev1.EndpointAddress{address("odd", "10.244.0.4")}, Ports: []corev1.EndpointPort{http, metrics(9200)}},
			}
			if diff := cmp.Diff(want, got.Subsets); diff != "" {
				t.Errorf("subsets (-want +got):\n%s", diff)
			}
		}, endpoints.New)
	})
}

func address(pod, ip string) corev1.EndpointAddress {
	return corev1.EndpointAddress{IP: ip, TargetRef: &corev1.ObjectReference{
		Kind: "Pod", Namespace: "ns", Name: pod, UID: types.UID("uid-" + pod),
	}}
}

func TestEndpointsGoWithTheirService(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := controllertest.NewClient(service(), pod("a", "10.244.0.1", true, 9100))
		controllertest.Run(t, client, func(ctx context.Context) {
			if err := client.CoreV1().Services("ns").Delete(ctx, "web", metav1.DeleteOptions{}); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
			synctest.Wait()
			_, err := client.CoreV1().Endpoints("ns").Get(ctx, "web", metav1.GetOptions{})
			if !apierrors.IsNotFound(err) {
				t.Errorf("reading the endpoints of a deleted service: error %v, want not found", err)
			}
		}, endpoints.New)
	})
}

func TestEndpointsWrittenByHandBeforeTheirServiceStay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		byHand := &corev1.Endpoints{
			ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "external"},
			Subsets:    []corev1.EndpointSubset{{Addresses: []corev1.EndpointAddress{{IP: "192.0.2.1"}}}},
		}
		client := controllertest.NewClient(byHand)
		controllertest.Run(t, client, func(ctx context.Context) {
			plain := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "external"}}
			if _, err := client.CoreV1().Services("ns").Create(ctx, plain, metav1.CreateOptions{}); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			got, err := client.CoreV1().Endpoints("ns").Get(ctx, "external", metav1.GetOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(byHand.Subsets, got.Subsets); diff != "" {
				t.Errorf("subsets (-want +got):\n%s", diff)
			}
		}, endpoints.New)
	})
}
