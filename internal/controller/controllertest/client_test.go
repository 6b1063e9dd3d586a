package controllertest_test

import (
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"

	"github.com/causeway-access/causeway/internal/controller/controllertest"
)

// Who changes another version than there is, is refused, whatever it was that
// changed the object; who names no version is not.
func TestWhatHasChangedSinceItWasReadIsNotChanged(t *testing.T) {
	ways := map[string]func(typedcorev1.PodInterface, *corev1.Pod) error{
		"update": func(pods typedcorev1.PodInterface, pod *corev1.Pod) error {
			_, err := pods.Update(t.Context(), pod, metav1.UpdateOptions{})
			return err
		},
		"status": func(pods typedcorev1.PodInterface, pod *corev1.Pod) error {
			_, err := pods.UpdateStatus(t.Context(), pod, metav1.UpdateOptions{})
			return err
		},
		"merge patch":     patched(t, types.MergePatchType),
		"strategic patch": patched(t, types.StrategicMergePatchType),
	}
	for first, changes := range ways {
		for second, too := range ways {
			t.Run(first+" then "+second, func(t *testing.T) {
				pods := controllertest.NewClient().CoreV1().Pods("ns")
				read, err := pods.Create(t.Context(), &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "a"}}, metav1.CreateOptions{})
				if err != nil {
					t.Fatal(err)
				}
				if err := changes(pods, read.DeepCopy()); err != nil {
					t.Errorf("the version that was read: %v", err)
				}
				if err := too(pods, read.DeepCopy()); !apierrors.IsConflict(err) {
					t.Errorf("an old version: %v, want a conflict", err)
				}
				read.ResourceVersion = ""
				if err := too(pods, read); err != nil {
					t.Errorf("no version: %v", err)
				}
			})
		}
	}
}

func patched(t *testing.T, kind types.PatchType) func(typedcorev1.PodInterface, *corev1.Pod) error {
	return func(pods typedcorev1.PodInterface, pod *corev1.Pod) error {
		patch := fmt.Sprintf(`{"metadata":{"labels":{"a":"b"},"resourceVersion":%q}}`, pod.ResourceVersion)
		_, err := pods.Patch(t.Context(), pod.Name, kind, []byte(patch), metav1.PatchOptions{})
		return err
	}
}
