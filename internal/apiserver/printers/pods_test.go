package printers_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/utils/ptr"

	"github.com/causeway-access/causeway/internal/apiserver/printers"
)

func TestPodInFull(t *testing.T) {
	looks(t, in("", "pods"), func() runtime.Object {
		return &corev1.Pod{
			ObjectMeta: born("web"),
			Spec: corev1.PodSpec{
				NodeName:       "node-1",
				Containers:     []corev1.Container{{Name: "a"}, {Name: "b"}},
				ReadinessGates: []corev1.PodReadinessGate{{ConditionType: "lb"}, {ConditionType: "dns"}},
			},
			Status: corev1.PodStatus{
				Phase: corev1.PodRunning, PodIP: "10.244.0.5", PodIPs: []corev1.PodIP{{IP: "10.244.0.5"}, {IP: "fd00::5"}},
				Conditions: []corev1.PodCondition{{Type: "lb", Status: "True"}, {Type: "dns", Status: "False"}},
				ContainerStatuses: []corev1.ContainerStatus{
					{Name: "a", Ready: true, State: running()},
					{Name: "b", RestartCount: 2, State: running(), LastTerminationState: ended(corev1.ContainerStateTerminated{ExitCode: 1, FinishedAt: metav1.NewTime(time.Now().Add(55 * time.Minute))})},
				},
			},
		}
	},
		"NAME | READY | STATUS | RESTARTS | AGE | [IP] | [NODE] | [NOMINATED NODE] | [READINESS GATES]",
		"web | 1/2 | Running | 2 (5m ago) | 60m | 10.244.0.5 | node-1 | <none> | 1/2")
}

func TestPodBeforeItIsPlaced(t *testing.T) {
	looks(t, in("", "pods"), func() runtime.Object {
		return &corev1.Pod{ObjectMeta: born("web"), Spec: corev1.PodSpec{Containers: []corev1.Container{{}}}, Status: corev1.PodStatus{Phase: corev1.PodPending}}
	},
		"NAME | READY | STATUS | RESTARTS | AGE | [IP] | [NODE] | [NOMINATED NODE] | [READINESS GATES]",
		"web | 0/1 | Pending | 0 | 60m | <none> | <none> | <none> | <none>")
}

func running() corev1.ContainerState {
	return corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}
}

func waiting(reason string) corev1.ContainerState {
	return corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason}}
}

func ended(t corev1.ContainerStateTerminated) corev1.ContainerState {
	return corev1.ContainerState{Terminated: &t}
}

// TestPodSaysItsState: what READY, STATUS and RESTARTS say of a pod whose
// containers are in these states.
func TestPodSaysItsState(t *testing.T) {
	done := ended(corev1.ContainerStateTerminated{Reason: "Completed"})
	initialized := []corev1.PodCondition{{Type: corev1.PodInitialized, Status: "True"}}
	now := metav1.Unix(1, 0)
	for _, c := range []struct {
		name    string
		status  corev1.PodStatus
		deleted bool
		sidecar bool // the first init container keeps running
		want    []any
	}{
		{name: "evicted", status: corev1.PodStatus{Phase: "Failed", Reason: "Evicted"}, want: []any{"0/2", "Evicted", "0"}},
		{name: "held back", status: corev1.PodStatus{Phase: "Pending", Conditions: []corev1.PodCondition{{Type: corev1.PodScheduled, Reason: "SchedulingGated"}}},
			want: []any{"0/2", "SchedulingGated", "0"}},
		{name: "crashing", status: corev1.PodStatus{Phase: "Running", ContainerStatuses: []corev1.ContainerStatus{
			{Ready: true, State: running()}, {RestartCount: 4, State: waiting("CrashLoopBackOff")}}}, want: []any{"1/2", "CrashLoopBackOff", "4"}},
		{name: "the first container's trouble wins", status: corev1.PodStatus{Phase: "Pending", ContainerStatuses: []corev1.ContainerStatus{
			{State: waiting("ErrImagePull")}, {State: waiting("ContainerCreating")}}}, want: []any{"0/2", "ErrImagePull", "0"}},
		{name: "done", status: corev1.PodStatus{Phase: "Succeeded", ContainerStatuses: []corev1.ContainerStatus{{State: done}, {State: done}}},
			want: []any{"0/2", "Completed", "0"}},
		{name: "one done, one ready", status: corev1.PodStatus{Phase: "Running", Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: "True"}},
			ContainerStatuses: []corev1.ContainerStatus{{State: done}, {Ready: true, State: running()}}}, want: []any{"1/2", "Running", "0"}},
		{name: "one done, pod not ready", status: corev1.PodStatus{Phase: "Running",
			ContainerStatuses: []corev1.ContainerStatus{{State: done}, {Ready: true, State: running()}}}, want: []any{"1/2", "NotReady", "0"}},
		{name: "killed", status: corev1.PodStatus{Phase: "Failed", ContainerStatuses: []corev1.ContainerStatus{{State: ended(corev1.ContainerStateTerminated{Signal: 9, ExitCode: 137})}}},
			want: []any{"0/2", "Signal:9", "0"}},
		{name: "failed", status: corev1.PodStatus{Phase: "Failed", ContainerStatuses: []corev1.ContainerStatus{{State: ended(corev1.ContainerStateTerminated{ExitCode: 3})}}},
			want: []any{"0/2", "ExitCode:3", "0"}},
		{name: "init under way", status: corev1.PodStatus{Phase: "Pending", InitContainerStatuses: []corev1.ContainerStatus{
			{Name: "i1", RestartCount: 1, State: done}, {Name: "i2", State: waiting("PodInitializing")}}}, want: []any{"0/2", "Init:1/2", "1"}},
		{name: "init crashing", status: corev1.PodStatus{Phase: "Pending", InitContainerStatuses: []corev1.ContainerStatus{
			{Name: "i1", RestartCount: 3, State: waiting("CrashLoopBackOff")}}}, want: []any{"0/2", "Init:CrashLoopBackOff", "3"}},
		{name: "init failed", status: corev1.PodStatus{Phase: "Pending", InitContainerStatuses: []corev1.ContainerStatus{
			{Name: "i1", State: ended(corev1.ContainerStateTerminated{ExitCode: 2})}}}, want: []any{"0/2", "Init:ExitCode:2", "0"}},
		{name: "init killed", status: corev1.PodStatus{Phase: "Pending", InitContainerStatuses: []corev1.ContainerStatus{
			{Name: "i1", State: ended(corev1.ContainerStateTerminated{ExitCode: 137, Signal: 9})}}}, want: []any{"0/2", "Init:Signal:9", "0"}},
		{name: "init failed for a reason", status: corev1.PodStatus{Phase: "Pending", InitContainerStatuses: []corev1.ContainerStatus{
			{Name: "i1", State: ended(corev1.ContainerStateTerminated{ExitCode: 1, Reason: "Error"})}}}, want: []any{"0/2", "Init:Error", "0"}},
		{name: "restarts of init forgotten after it", status: corev1.PodStatus{Phase: "Running",
			InitContainerStatuses: []corev1.ContainerStatus{{Name: "i1", RestartCount: 5, State: done}, {Name: "i2", State: done}},
			ContainerStatuses:     []corev1.ContainerStatus{{Ready: true, RestartCount: 1, State: running()}}}, want: []any{"1/2", "Running", "1"}},
		{name: "side-car counted", sidecar: true, status: corev1.PodStatus{Phase: "Running", Conditions: initialized,
			InitContainerStatuses: []corev1.ContainerStatus{{Name: "i1", Started: ptr.To(true), Ready: true, RestartCount: 2, State: running()}, {Name: "i2", State: done}},
			ContainerStatuses:     []corev1.ContainerStatus{{Ready: true, RestartCount: 1, State: running()}, {Ready: true, State: running()}}}, want: []any{"3/3", "Running", "3"}},
		{name: "side-car broken later", sidecar: true, status: corev1.PodStatus{Phase: "Running", Conditions: initialized,
			InitContainerStatuses: []corev1.ContainerStatus{{Name: "i1", RestartCount: 2, State: waiting("CrashLoopBackOff")}},
			ContainerStatuses:     []corev1.ContainerStatus{{Ready: true, State: running()}}}, want: []any{"1/3", "Init:CrashLoopBackOff", "2"}},
		{name: "going", deleted: true, status: corev1.PodStatus{Phase: "Running", ContainerStatuses: []corev1.ContainerStatus{{Ready: true, State: running()}}},
			want: []any{"1/2", "Terminating", "0"}},
		{name: "going, but ended already", deleted: true, status: corev1.PodStatus{Phase: "Succeeded", ContainerStatuses: []corev1.ContainerStatus{{State: done}}},
			want: []any{"0/2", "Completed", "0"}},
		{name: "going on a lost node", deleted: true, status: corev1.PodStatus{Phase: "Running", Reason: "NodeLost"}, want: []any{"0/2", "Unknown", "0"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			pod := &corev1.Pod{
				Spec: corev1.PodSpec{
					InitContainers: []corev1.Container{{Name: "i1"}, {Name: "i2"}}, Containers: []corev1.Container{{Name: "a"}, {Name: "b"}},
				},
				Status: c.status,
			}
			if c.sidecar {
				pod.Spec.InitContainers[0].RestartPolicy = ptr.To(corev1.ContainerRestartPolicyAlways)
			}
			if c.deleted {
				pod.DeletionTimestamp = &now
			}
			table, err := printers.TableConvertor(in("", "pods")).ConvertToTable(context.Background(), pod, nil)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, table.Rows[0].Cells[1:4]); diff != "" {
				t.Errorf("ready, status, restarts (-want +got):\n%s", diff)
			}
		})
	}
}

func TestEndedPodsAreMarked(t *testing.T) {
	for phase, want := range map[corev1.PodPhase]int{corev1.PodRunning: 0, corev1.PodPending: 0, corev1.PodSucceeded: 1, corev1.PodFailed: 1} {
		pod := &corev1.Pod{Status: corev1.PodStatus{Phase: phase}}
		table, err := printers.TableConvertor(in("", "pods")).ConvertToTable(context.Background(), pod, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := table.Rows[0].Conditions; len(got) != want || (want == 1 && (got[0].Type != metav1.RowCompleted || got[0].Reason != string(phase))) {
			t.Errorf("%s: got conditions %v", phase, got)
		}
	}
}

func TestAgeOfAnObjectWithoutBirth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		got := shown(t, in("", "serviceaccounts"), &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "a"}})
		if diff := cmp.Diff("NAME | SECRETS | AGE\na | 0 | <unknown>", got); diff != "" {
			t.Error(diff)
		}
	})
}
