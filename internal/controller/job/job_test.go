package job_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
	"k8s.io/utils/ptr"

	"github.com/causeway-access/causeway/internal/controller/controllertest"
	"github.com/causeway-access/causeway/internal/controller/job"
)

func newJob(edit func(*batchv1.JobSpec)) *batchv1.Job {
	labels := map[string]string{batchv1.ControllerUidLabel: "pi", batchv1.JobNameLabel: "pi"}
	j := &batchv1.Job{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "pi", UID: "pi"},
		Spec: batchv1.JobSpec{
			Parallelism: ptr.To(int32(1)), Completions: ptr.To(int32(1)), BackoffLimit: ptr.To(int32(6)),
			Selector: &metav1.LabelSelector{MatchLabels: map[string]string{batchv1.ControllerUidLabel: "pi"}},
			Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: corev1.PodSpec{
				RestartPolicy: corev1.RestartPolicyNever, Containers: []corev1.Container{{Name: "pi", Image: "pi:1"}},
			}},
		},
	}
	if edit != nil {
		edit(&j.Spec)
	}
	return j
}

// world is a cluster in which the test plays the nodes.
type world struct {
	t      *testing.T
	client *fake.Clientset
}

// tell runs the controller over a job.
func tell(t *testing.T, edit func(*batchv1.JobSpec), story func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{t, controllertest.NewClient(newJob(edit))}
		controllertest.Run(t, w.client, func(context.Context) { w.settle(); story(w) }, job.New)
	})
}

// settle lets the controller do what is due now, but for what it does after a
// failure.
func (w *world) settle() {
	synctest.Wait()
	time.Sleep(2 * time.Second)
	synctest.Wait()
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// pods is those that have not ended.
func (w *world) pods() []corev1.Pod {
	w.t.Helper()
	list, err := w.client.CoreV1().Pods("default").List(w.t.Context(), metav1.ListOptions{})
	w.must(err)
	var active []corev1.Pod
	for _, pod := range list.Items {
		if pod.Status.Phase != corev1.PodSucceeded && pod.Status.Phase != corev1.PodFailed {
			active = append(active, pod)
		}
	}
	return active
}

// end has a pod come to its end.
func (w *world) end(pod corev1.Pod, phase corev1.PodPhase) {
	w.t.Helper()
	pod.Status.Phase = phase
	pod.Status.ContainerStatuses = []corev1.ContainerStatus{{State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{FinishedAt: metav1.Now()}}}}
	_, err := w.client.CoreV1().Pods("default").UpdateStatus(w.t.Context(), &pod, metav1.UpdateOptions{})
	w.must(err)
	w.settle()
}

func (w *world) get() *batchv1.Job {
	w.t.Helper()
	j, err := w.client.BatchV1().Jobs("default").Get(w.t.Context(), "pi", metav1.GetOptions{})
	w.must(err)
	return j
}

func (w *world) change(edit func(*batchv1.JobSpec)) {
	w.t.Helper()
	j := w.get()
	edit(&j.Spec)
	_, err := w.client.BatchV1().Jobs("default").Update(w.t.Context(), j, metav1.UpdateOptions{})
	w.must(err)
	w.settle()
}

// wants compares the counts of the status, and the conditions that are true.
func (w *world) wants(active, succeeded, failed int32, conditions ...string) {
	w.t.Helper()
	j := w.get()
	got := fmt.Sprint(j.Status.Active, j.Status.Succeeded, j.Status.Failed)
	var found []string
	for _, c := range j.Status.Conditions {
		if c.Status == corev1.ConditionTrue {
			found = append(found, string(c.Type)+" "+c.Reason)
		}
	}
	if diff := cmp.Diff(fmt.Sprint(active, succeeded, failed), got); diff != "" {
		w.t.Errorf("active, succeeded and failed (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(conditions, found); diff != "" {
		w.t.Errorf("conditions (-want +got):\n%s", diff)
	}
	if n := int32(len(w.pods())); n != active {
		w.t.Errorf("%d pods are active, want %d", n, active)
	}
}

func completed() []string {
	return []string{"SuccessCriteriaMet CompletionsReached", "Complete CompletionsReached"}
}

func failed(reason string) []string { return []string{"FailureTarget " + reason, "Failed " + reason} }

func TestAsManySuccessesAsAreWanted(t *testing.T) {
	tell(t, func(s *batchv1.JobSpec) { s.Completions, s.Parallelism = ptr.To(int32(3)), ptr.To(int32(2)) }, func(w *world) {
		w.wants(2, 0, 0)
		for _, pod := range w.pods() {
			w.end(pod, corev1.PodSucceeded)
		}
		w.wants(1, 2, 0)
		w.end(w.pods()[0], corev1.PodSucceeded)
		w.wants(0, 3, 0, completed()...)
		list, err := w.client.CoreV1().Pods("default").List(t.Context(), metav1.ListOptions{})
		w.must(err)
		for _, pod := range list.Items {
			if len(pod.Finalizers) > 0 {
				t.Errorf("counted pod %s has the finalizers %v", pod.Name, pod.Finalizers)
			}
		}
		if j := w.get(); j.Status.CompletionTime == nil || j.Status.StartTime == nil {
			t.Errorf("status %+v", j.Status)
		}
	})
}

func TestPodsThatTakeWorkFromAQueue(t *testing.T) {
	tell(t, func(s *batchv1.JobSpec) { s.Completions, s.Parallelism = nil, ptr.To(int32(3)) }, func(w *world) {
		w.wants(3, 0, 0)
		w.end(w.pods()[0], corev1.PodSucceeded)
		w.wants(2, 1, 0)
		for _, pod := range w.pods() {
			w.end(pod, corev1.PodSucceeded)
		}
		w.wants(0, 3, 0, completed()...)
	})
}

func TestPodsThatFailAreTriedAgainLater(t *testing.T) {
	tell(t, func(s *batchv1.JobSpec) { s.BackoffLimit = ptr.To(int32(2)) }, func(w *world) {
		w.end(w.pods()[0], corev1.PodFailed)
		w.wants(0, 0, 1)
		time.Sleep(10 * time.Second)
		w.settle()
		w.wants(1, 0, 1)
		w.end(w.pods()[0], corev1.PodFailed)
		time.Sleep(10 * time.Second)
		w.settle()
		w.wants(0, 0, 2)
		time.Sleep(10 * time.Second)
		w.settle()
		w.wants(1, 0, 2)
		w.end(w.pods()[0], corev1.PodFailed)
		time.Sleep(time.Hour)
		w.wants(0, 0, 3, failed("BackoffLimitExceeded")...)
	})
}

func TestContainersThatAreRestartedCountAsFailures(t *testing.T) {
	tell(t, func(s *batchv1.JobSpec) {
		s.BackoffLimit, s.Template.Spec.RestartPolicy = ptr.To(int32(2)), corev1.RestartPolicyOnFailure
	}, func(w *world) {
		pod := w.pods()[0]
		pod.Status.Phase, pod.Status.ContainerStatuses = corev1.PodRunning, []corev1.ContainerStatus{{RestartCount: 2}}
		_, err := w.client.CoreV1().Pods("default").UpdateStatus(t.Context(), &pod, metav1.UpdateOptions{})
		w.must(err)
		w.settle()
		if j := w.get(); len(j.Status.Conditions) != 2 || len(w.pods()) != 0 {
			t.Errorf("status %+v with %d pods, want a job that has failed", j.Status, len(w.pods()))
		}
	})
}

func TestADeadlineEndsAllPods(t *testing.T) {
	tell(t, func(s *batchv1.JobSpec) { s.ActiveDeadlineSeconds, s.Parallelism = ptr.To(int64(60)), ptr.To(int32(1)) }, func(w *world) {
		w.wants(1, 0, 0)
		time.Sleep(time.Minute)
		w.settle()
		w.wants(0, 0, 0, failed("DeadlineExceeded")...) // the pod of this world is gone at once, uncounted
	})
}

func TestASuspendedJobHasNoPods(t *testing.T) {
	tell(t, func(s *batchv1.JobSpec) { s.Suspend = ptr.To(true) }, func(w *world) {
		w.wants(0, 0, 0, "Suspended JobSuspended")
		w.change(func(s *batchv1.JobSpec) { s.Suspend = ptr.To(false) })
		w.wants(1, 0, 0)
		w.change(func(s *batchv1.JobSpec) { s.Suspend = ptr.To(true) })
		w.wants(0, 0, 0, "Suspended JobSuspended")
		if start := w.get().Status.StartTime; start != nil {
			t.Errorf("a suspended job began at %v", start)
		}
	})
}

func TestFewerPodsAtATime(t *testing.T) {
	tell(t, func(s *batchv1.JobSpec) { s.Completions, s.Parallelism = ptr.To(int32(9)), ptr.To(int32(4)) }, func(w *world) {
		w.wants(4, 0, 0)
		w.change(func(s *batchv1.JobSpec) { s.Parallelism = ptr.To(int32(1)) })
		w.wants(1, 0, 0)
	})
}

func TestEachIndexSucceedsOnce(t *testing.T) {
	tell(t, func(s *batchv1.JobSpec) {
		s.Completions, s.Parallelism, s.CompletionMode = ptr.To(int32(5)), ptr.To(int32(2)), ptr.To(batchv1.IndexedCompletion)
	}, func(w *world) {
		work := map[string]int{}
		for range 5 {
			pod := w.pods()[0]
			work[pod.Spec.Hostname+" "+pod.Annotations[batchv1.JobCompletionIndexAnnotation]]++
			if env := pod.Spec.Containers[0].Env; len(env) != 1 || env[0].Name != "JOB_COMPLETION_INDEX" {
				t.Errorf("environment %v, want the index", env)
			}
			w.end(pod, corev1.PodSucceeded)
		}
		want := map[string]int{"pi-0 0": 1, "pi-1 1": 1, "pi-2 2": 1, "pi-3 3": 1, "pi-4 4": 1}
		if diff := cmp.Diff(want, work); diff != "" {
			t.Errorf("pods by host name and index (-want +got):\n%s", diff)
		}
		w.wants(0, 5, 0, completed()...)
		if got := w.get().Status.CompletedIndexes; got != "0-4" {
			t.Errorf("completed indexes %q", got)
		}
	})
}

func TestAFinishedJobExpires(t *testing.T) {
	tell(t, func(s *batchv1.JobSpec) { s.TTLSecondsAfterFinished = ptr.To(int32(100)) }, func(w *world) {
		w.end(w.pods()[0], corev1.PodSucceeded)
		w.wants(0, 1, 0, completed()...)
		time.Sleep(100 * time.Second)
		w.settle()
		_, err := w.client.BatchV1().Jobs("default").Get(t.Context(), "pi", metav1.GetOptions{})
		if !apierrors.IsNotFound(err) {
			t.Errorf("the job after its time: %v", err)
		}
	})
}

func TestPodsOfAJobThatIsGoneAreLetGo(t *testing.T) {
	tell(t, nil, func(w *world) {
		w.must(w.client.BatchV1().Jobs("default").Delete(t.Context(), "pi", metav1.DeleteOptions{}))
		w.settle()
		if pods := w.pods(); len(pods) != 1 || len(pods[0].Finalizers) > 0 {
			t.Errorf("pods %v, want one without a finalizer", pods)
		}
	})
}

// TestNoPodIsCountedTwice begins at each step that another process may have
// stopped at.
func TestNoPodIsCountedTwice(t *testing.T) {
	for name, c := range map[string]struct {
		tracked, recorded bool
		stale             bool // only the cache shows the finalizer
		counted           int32
		want              int32
	}{
		"ended":                 {tracked: true, want: 1},
		"recorded":              {tracked: true, recorded: true, want: 1},
		"recorded and let go":   {recorded: true, want: 1},
		"counted":               {counted: 1, want: 1},
		"counted, and one more": {tracked: true, counted: 1, want: 2},
		"counted by another":    {tracked: true, stale: true, counted: 1, want: 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				j := newJob(func(s *batchv1.JobSpec) { s.Completions = ptr.To(int32(9)) })
				j.Status.Succeeded = c.counted
				if c.recorded {
					j.Status.UncountedTerminatedPods = &batchv1.UncountedTerminatedPods{Succeeded: []types.UID{"p"}}
				}
				pod := &corev1.Pod{
					ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "p", UID: "p", Labels: j.Spec.Template.Labels,
						OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(j, batchv1.SchemeGroupVersion.WithKind("Job"))}},
					Status: corev1.PodStatus{Phase: corev1.PodSucceeded},
				}
				if c.tracked {
					pod.Finalizers = []string{batchv1.JobTrackingFinalizer}
				}
				w := &world{t, controllertest.NewClient(j, pod)}
				if c.stale {
					w.client.PrependReactor("get", "pods", func(clienttesting.Action) (bool, runtime.Object, error) {
						fresh := pod.DeepCopy()
						fresh.Finalizers = nil
						return true, fresh, nil
					})
				}
				for range 2 {
					controllertest.Run(t, w.client, func(context.Context) { w.settle() }, job.New)
				}
				w.wants(1, c.want, 0)
			})
		})
	}
}

// TestWhenAPodIsReplaced: one that was asked to go and goes on for a while is
// replaced at once, or when it has ended.
func TestWhenAPodIsReplaced(t *testing.T) {
	for policy, want := range map[batchv1.PodReplacementPolicy]string{
		batchv1.TerminatingOrFailed: "1 active, 1 failed, 1 leaving",
		batchv1.Failed:              "0 active, 0 failed, 1 leaving",
	} {
		t.Run(string(policy), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				j := newJob(func(s *batchv1.JobSpec) { s.PodReplacementPolicy = &policy })
				w := &world{t, controllertest.NewClient(j, &corev1.Pod{
					ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "p", UID: "p", Labels: j.Spec.Template.Labels,
						DeletionTimestamp: ptr.To(metav1.Now()), DeletionGracePeriodSeconds: ptr.To(int64(30)),
						Finalizers:      []string{batchv1.JobTrackingFinalizer, "example.org/other"},
						OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(j, batchv1.SchemeGroupVersion.WithKind("Job"))}},
					Status: corev1.PodStatus{Phase: corev1.PodRunning},
				})}
				controllertest.Run(t, w.client, func(context.Context) { w.settle() }, job.New)
				s := w.get().Status
				got := fmt.Sprintf("%d active, %d failed, %d leaving", s.Active, s.Failed, ptr.Deref(s.Terminating, 0))
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("pods (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestAJobThatAnotherManagesIsLeftAlone(t *testing.T) {
	tell(t, func(s *batchv1.JobSpec) { s.ManagedBy = ptr.To("example.org/other") }, func(w *world) { w.wants(0, 0, 0) })
}
