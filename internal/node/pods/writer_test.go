package pods

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
)

func TestPatchesLeaveWhatOthersWrite(t *testing.T) {
	at := metav1.NewTime(time.Unix(1000, 0).UTC())
	theirs := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{UID: "u"},
		Status: corev1.PodStatus{
			Phase: corev1.PodPending, QOSClass: corev1.PodQOSBurstable, NominatedNodeName: "n",
			PodIPs: []corev1.PodIP{{IP: "10.0.0.1"}}, PodIP: "10.0.0.1",
			Conditions: []corev1.PodCondition{
				{Type: corev1.PodScheduled, Status: corev1.ConditionTrue, Reason: "Theirs", LastTransitionTime: at},
				{Type: "example.org/gate", Status: corev1.ConditionTrue, LastTransitionTime: at},
				{Type: corev1.PodReady, Status: corev1.ConditionFalse, LastTransitionTime: at},
			},
		},
	}
	ours := &corev1.PodStatus{
		Phase: corev1.PodRunning, QOSClass: corev1.PodQOSBestEffort,
		PodIPs: []corev1.PodIP{{IP: "10.0.0.2"}}, PodIP: "10.0.0.2",
		Conditions: []corev1.PodCondition{
			{Type: corev1.PodReady, Status: corev1.ConditionTrue, LastTransitionTime: at},
			{Type: corev1.PodScheduled, Status: corev1.ConditionTrue},
		},
	}
	patch, err := statusPatch(theirs, ours)
	if err != nil {
		t.Fatal(err)
	}
	before, err := json.Marshal(theirs)
	if err != nil {
		t.Fatal(err)
	}
	after, err := strategicpatch.StrategicMergePatch(before, patch, corev1.Pod{})
	if err != nil {
		t.Fatal(err)
	}
	var got corev1.Pod
	if err := json.Unmarshal(after, &got); err != nil {
		t.Fatal(err)
	}
	want := theirs.DeepCopy()
	want.Status.Phase, want.Status.PodIP, want.Status.PodIPs = corev1.PodRunning, "10.0.0.2", []corev1.PodIP{{IP: "10.0.0.2"}}
	want.Status.Conditions[2].Status = corev1.ConditionTrue
	if diff := cmp.Diff(want, &got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if again, err := statusPatch(&got, ours); again != nil || err != nil {
		t.Errorf("written again: %s, %v", again, err)
	}
}
