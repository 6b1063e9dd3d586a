package podgc_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/causeway-access/causeway/internal/controller"
	"github.com/causeway-access/causeway/internal/controller/controllertest"
	"github.com/causeway-access/causeway/internal/controller/podgc"
)

func TestGarbageIsCollected(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pod := func(name, node string, phase corev1.PodPhase, age time.Duration) *corev1.Pod {
			return &corev1.Pod{
				ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name, UID: types.UID(name), CreationTimestamp: metav1.NewTime(time.Now().Add(-age))},
				Spec:       corev1.PodSpec{NodeName: node}, Status: corev1.PodStatus{Phase: phase},
			}
		}
		client := controllertest.NewClient(&corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "n"}},
			pod("ended-first", "n", corev1.PodSucceeded, 3*time.Hour), pod("ended-last", "n", corev1.PodFailed, time.Hour),
			pod("living", "n", corev1.PodRunning, 9*time.Hour), pod("orphan", "gone", corev1.PodRunning, time.Hour), pod("waiting", "", corev1.PodPending, time.Hour))
		controllertest.Run(t, client, func(ctx context.Context) {
			has := func(want ...string) {
				t.Helper()
				synctest.Wait()
				list, err := client.CoreV1().Pods("default").List(ctx, metav1.ListOptions{})
				if err != nil {
					t.Fatal(err)
				}
				var got []string
				for _, p := range list.Items {
					got = append(got, p.Name)
				}
				slices.Sort(got)
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("pods (-want +got):\n%s", diff)
				}
			}
			has("ended-last", "living", "orphan", "waiting")
			time.Sleep(30 * time.Second)
			has("ended-last", "living", "orphan", "waiting")
			time.Sleep(30 * time.Second)
			has("ended-last", "living", "waiting")
		}, func(config controller.Config) (controller.Controller, error) {
			return podgc.New(config, podgc.Config{MostEnded: 1})
		})
	})
}
