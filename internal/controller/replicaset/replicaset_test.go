package replicaset_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/utils/ptr"

	"github.com/causeway-access/causeway/internal/controller/controllertest"
	"github.com/causeway-access/causeway/internal/controller/replicaset"
)

func TestAsManyPodsAsAreWanted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		labels := map[string]string{"app": "web"}
		client := controllertest.NewClient(&appsv1.ReplicaSet{
			ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "web", UID: "web"},
			Spec: appsv1.ReplicaSetSpec{Replicas: ptr.To(int32(5)), Selector: &metav1.LabelSelector{MatchLabels: labels},
				Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}}},
		})
		controllertest.Run(t, client, func(ctx context.Context) {
			count(t, client, 5)
			for _, n := range []int32{8, 2, 0, 3} {
				rs, err := client.AppsV1().ReplicaSets("default").Get(ctx, "web", metav1.GetOptions{})
				if err != nil {
					t.Fatal(err)
				}
				rs.Spec.Replicas = ptr.To(n)
				if _, err := client.AppsV1().ReplicaSets("default").Update(ctx, rs, metav1.UpdateOptions{}); err != nil {
					t.Fatal(err)
				}
				count(t, client, int(n))
			}
		}, replicaset.New)
	})
}

// count wants so many pods, each of which names its owner, and a status that
// says so.
func count(t *testing.T, client *fake.Clientset, want int) {
	t.Helper()
	time.Sleep(time.Minute)
	synctest.Wait()
	pods, err := client.CoreV1().Pods("default").List(context.Background(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, pod := range pods.Items {
		if ref := metav1.GetControllerOf(&pod); ref == nil || ref.UID != "web" {
			t.Errorf("pod %s is controlled by %v", pod.Name, ref)
		}
	}
	rs, err := client.AppsV1().ReplicaSets("default").Get(context.Background(), "web", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]int{want, want}, []int{len(pods.Items), int(rs.Status.Replicas)}); diff != "" {
		t.Errorf("pods, and those in the status (-want +got):\n%s", diff)
	}
}
