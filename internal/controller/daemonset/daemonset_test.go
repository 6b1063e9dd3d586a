package daemonset_test

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
	"k8s.io/utils/ptr"

	"github.com/causeway-access/causeway/internal/controller/controllertest"
	"github.com/causeway-access/causeway/internal/controller/daemonset"
	"github.com/causeway-access/causeway/internal/controller/scheduler"
)

func node(name string, edit func(*corev1.Node)) *corev1.Node {
	n := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"disk": "ssd"}}}
	if edit != nil {
		edit(n)
	}
	return n
}

func tainted(key string, effect corev1.TaintEffect) func(*corev1.Node) {
	return func(n *corev1.Node) { n.Spec.Taints = append(n.Spec.Taints, corev1.Taint{Key: key, Effect: effect}) }
}

func logs(edit func(*appsv1.DaemonSet)) *appsv1.DaemonSet {
	labels := map[string]string{"app": "log"}
	ds := &appsv1.DaemonSet{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "log", UID: "log", Generation: 1},
		Spec: appsv1.DaemonSetSpec{
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: corev1.PodSpec{
				NodeSelector: map[string]string{"disk": "ssd"}, SchedulerName: corev1.DefaultSchedulerName,
				Containers: []corev1.Container{{Name: "log", Image: "log:1"}},
			}},
			UpdateStrategy: appsv1.DaemonSetUpdateStrategy{
				Type:          appsv1.RollingUpdateDaemonSetStrategyType,
				RollingUpdate: &appsv1.RollingUpdateDaemonSet{MaxUnavailable: ptr.To(intstr.FromInt32(1))},
			},
			RevisionHistoryLimit: ptr.To(int32(10)),
		},
	}
	if edit != nil {
		edit(ds)
	}
	return ds
}

// world is a cluster whose nodes say that what is bound to them is ready.
type world struct {
	t      *testing.T
	client *fake.Clientset
	// broken images never become ready.
	broken string
	// least and most is the fewest and the most pods that were ready at a time.
	least, most int
}

// newWorld is a world in which a binding is noted on its pod.
func newWorld(t *testing.T, objects ...runtime.Object) *world {
	t.Helper()
	w := &world{t: t, client: controllertest.NewClient(objects...)}
	w.client.PrependReactor("create", "pods", func(action clienttesting.Action) (bool, runtime.Object, error) {
		binding, ok := action.(clienttesting.CreateAction).GetObject().(*corev1.Binding)
		if !ok {
			return false, nil, nil
		}
		pods := corev1.SchemeGroupVersion.WithResource("pods")
		found, err := w.client.Tracker().Get(pods, binding.Namespace, binding.Name)
		if err != nil {
			return true, nil, err
		}
		pod := found.(*corev1.Pod).DeepCopy()
		pod.Spec.NodeName = binding.Target.Name
		return true, binding, w.client.Tracker().Update(pods, pod, binding.Namespace)
	})
	return w
}

// tell runs the controller, and the scheduler, over a world.
func tell(t *testing.T, objects []runtime.Object, story func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, objects...)
		controllertest.Run(t, w.client, func(context.Context) { w.settle(); story(w) }, daemonset.New, scheduler.New)
	})
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) pods() []corev1.Pod {
	w.t.Helper()
	list, err := w.client.CoreV1().Pods("default").List(w.t.Context(), metav1.ListOptions{})
	w.must(err)
	return list.Items
}

// settle lets some time pass, in which pods start.
func (w *world) settle() {
	w.t.Helper()
	w.least, w.most = 1000, 0
	for range 25 {
		synctest.Wait()
		ready := 0
		for _, pod := range w.pods() {
			switch {
			case len(pod.Status.Conditions) > 0 && pod.Status.Conditions[0].Type == corev1.PodReady:
				ready++
			case pod.Spec.NodeName != "" && pod.Spec.Containers[0].Image != w.broken:
				pod.Status.Phase = corev1.PodRunning
				pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue, LastTransitionTime: metav1.Now()}}
				_, err := w.client.CoreV1().Pods("default").UpdateStatus(w.t.Context(), &pod, metav1.UpdateOptions{})
				w.must(err)
			}
		}
		w.least, w.most = min(w.least, ready), max(w.most, ready)
		time.Sleep(time.Second)
	}
	synctest.Wait()
}

// wants says which image runs on which node.
func (w *world) wants(want ...string) {
	w.t.Helper()
	var got []string
	for _, pod := range w.pods() {
		got = append(got, pod.Spec.NodeName+" "+pod.Spec.Containers[0].Image)
	}
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		w.t.Errorf("pods by node (-want +got):\n%s", diff)
	}
}

func (w *world) get() *appsv1.DaemonSet {
	w.t.Helper()
	ds, err := w.client.AppsV1().DaemonSets("default").Get(w.t.Context(), "log", metav1.GetOptions{})
	w.must(err)
	return ds
}

func (w *world) change(edit func(*appsv1.DaemonSet)) {
	w.t.Helper()
	ds := w.get()
	edit(ds)
	_, err := w.client.AppsV1().DaemonSets("default").Update(w.t.Context(), ds, metav1.UpdateOptions{})
	w.must(err)
}

func image(name string) func(*appsv1.DaemonSet) {
	return func(ds *appsv1.DaemonSet) { ds.Spec.Template.Spec.Containers[0].Image = name }
}

// revisions is the numbers that are kept, by image.
func (w *world) revisions() map[string]int64 {
	w.t.Helper()
	list, err := w.client.AppsV1().ControllerRevisions("default").List(w.t.Context(), metav1.ListOptions{})
	w.must(err)
	found := map[string]int64{}
	for _, r := range list.Items {
		_, rest, _ := strings.Cut(string(r.Data.Raw), `"image":"`)
		image, _, _ := strings.Cut(rest, `"`)
		found[image] = r.Revision
	}
	return found
}

func TestOnePodOnEachNodeThatCanHaveOne(t *testing.T) {
	tell(t, []runtime.Object{
		logs(nil), node("a", nil), node("b", nil),
		node("busy", tainted("dedicated", corev1.TaintEffectNoSchedule)),
		node("cordoned", func(n *corev1.Node) {
			n.Spec.Unschedulable = true
			tainted(corev1.TaintNodeUnschedulable, corev1.TaintEffectNoSchedule)(n)
		}),
		node("other", func(n *corev1.Node) { n.Labels = nil }),
		node("silent", tainted(corev1.TaintNodeUnreachable, corev1.TaintEffectNoExecute)),
	}, func(w *world) {
		w.wants("a log:1", "b log:1", "cordoned log:1", "silent log:1")
		want := appsv1.DaemonSetStatus{
			DesiredNumberScheduled: 4, CurrentNumberScheduled: 4, NumberReady: 4, NumberAvailable: 4, UpdatedNumberScheduled: 4, ObservedGeneration: 1,
		}
		if diff := cmp.Diff(want, w.get().Status); diff != "" {
			t.Errorf("status (-want +got):\n%s", diff)
		}
		nodes := w.client.CoreV1().Nodes()
		_, err := nodes.Create(t.Context(), node("new", nil), metav1.CreateOptions{})
		w.must(err)
		_, err = nodes.Update(t.Context(), node("b", func(n *corev1.Node) { n.Labels = nil }), metav1.UpdateOptions{})
		w.must(err)
		_, err = nodes.Update(t.Context(), node("a", tainted("dedicated", corev1.TaintEffectNoSchedule)), metav1.UpdateOptions{})
		w.must(err)
		w.settle()
		w.wants("a log:1", "cordoned log:1", "new log:1", "silent log:1") // the taint of a keeps new pods away only
		_, err = nodes.Update(t.Context(), node("a", tainted("dedicated", corev1.TaintEffectNoExecute)), metav1.UpdateOptions{})
		w.must(err)
		w.settle()
		w.wants("cordoned log:1", "new log:1", "silent log:1")
		w.change(func(ds *appsv1.DaemonSet) {
			ds.Spec.Template.Spec.Tolerations = []corev1.Toleration{{Key: "dedicated", Operator: corev1.TolerationOpExists}}
		})
		w.settle()
		w.wants("a log:1", "busy log:1", "cordoned log:1", "new log:1", "silent log:1")
	})
}

func TestPodsForNodesThatAreGoneGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, logs(nil), node("a", nil), node("b", nil))
		controllertest.Run(t, w.client, func(context.Context) { // nobody binds them
			w.wants(" log:1", " log:1")
			w.must(w.client.CoreV1().Nodes().Delete(t.Context(), "b", metav1.DeleteOptions{}))
			synctest.Wait()
			w.wants(" log:1")
		}, daemonset.New)
	})
}

func TestRollingUpdate(t *testing.T) {
	nodes := []runtime.Object{node("a", nil), node("b", nil), node("c", nil)}
	both := func(image string) []string { return []string{"a " + image, "b " + image, "c " + image} }
	t.Run("one node at a time", func(t *testing.T) {
		tell(t, append(slices.Clone(nodes), logs(nil)), func(w *world) {
			w.change(image("log:2"))
			w.settle()
			w.wants(both("log:2")...)
			if w.least != 2 || w.most != 3 {
				t.Errorf("between %d and %d pods were ready, want 2 and 3", w.least, w.most)
			}
			if s := w.get().Status; s.UpdatedNumberScheduled != 3 || s.NumberAvailable != 3 {
				t.Errorf("status %+v", s)
			}
		})
	})
	t.Run("a new pod beside the old one", func(t *testing.T) {
		tell(t, append(slices.Clone(nodes), logs(func(ds *appsv1.DaemonSet) {
			ds.Spec.UpdateStrategy.RollingUpdate = &appsv1.RollingUpdateDaemonSet{
				MaxUnavailable: ptr.To(intstr.FromInt32(0)), MaxSurge: ptr.To(intstr.FromInt32(1))}
		})), func(w *world) {
			w.change(image("log:2"))
			w.settle()
			w.wants(both("log:2")...)
			if w.least < 3 || w.most > 4 {
				t.Errorf("between %d and %d pods were ready, want 3 and 4", w.least, w.most)
			}
		})
	})
	t.Run("all wait until a new pod is of use", func(t *testing.T) {
		tell(t, append(slices.Clone(nodes), logs(nil)), func(w *world) {
			w.broken = "bad"
			w.change(image("bad"))
			w.settle()
			w.wants("a bad", "b log:1", "c log:1")
			w.change(image("log:3"))
			w.settle()
			w.wants(both("log:3")...)
		})
	})
	t.Run("when they are deleted", func(t *testing.T) {
		tell(t, append(slices.Clone(nodes), logs(func(ds *appsv1.DaemonSet) {
			ds.Spec.UpdateStrategy = appsv1.DaemonSetUpdateStrategy{Type: appsv1.OnDeleteDaemonSetStrategyType}
		})), func(w *world) {
			w.change(image("log:2"))
			w.settle()
			w.wants(both("log:1")...)
			for _, pod := range w.pods() {
				if pod.Spec.NodeName == "b" {
					w.must(w.client.CoreV1().Pods("default").Delete(t.Context(), pod.Name, metav1.DeleteOptions{}))
				}
			}
			w.settle()
			w.wants("a log:1", "b log:2", "c log:1")
		})
	})
}

func TestTemplatesAreKept(t *testing.T) {
	tell(t, []runtime.Object{node("a", nil), logs(func(ds *appsv1.DaemonSet) { ds.Spec.RevisionHistoryLimit = ptr.To(int32(1)) })}, func(w *world) {
		has := func(want map[string]int64) {
			t.Helper()
			if diff := cmp.Diff(want, w.revisions()); diff != "" {
				t.Errorf("revisions by image (-want +got):\n%s", diff)
			}
		}
		has(map[string]int64{"log:1": 1})
		w.change(image("log:2"))
		w.settle()
		has(map[string]int64{"log:1": 1, "log:2": 2})
		w.change(image("log:1"))
		w.settle()
		has(map[string]int64{"log:1": 3, "log:2": 2})
		w.change(image("log:3"))
		w.settle()
		has(map[string]int64{"log:1": 3, "log:3": 4})
	})
}

func TestPodsThatFailAreMadeAgainMoreAndMoreSlowly(t *testing.T) {
	tell(t, []runtime.Object{node("a", nil), logs(nil)}, func(w *world) {
		seen := map[string]bool{}
		start := time.Now()
		for time.Since(start) < 10*time.Minute {
			for _, pod := range w.pods() {
				seen[pod.Name] = true
				pod.Status.Phase = corev1.PodFailed
				_, err := w.client.CoreV1().Pods("default").UpdateStatus(t.Context(), &pod, metav1.UpdateOptions{})
				w.must(err)
			}
			time.Sleep(5 * time.Second)
			synctest.Wait()
		}
		if n := len(seen); n < 5 || n > 12 {
			t.Errorf("made %d pods in ten minutes, want some eight: %v", n, slices.Sorted(maps.Keys(seen)))
		}
	})
}

// TestAnotherControllerGoesOn stops the controller in the middle of an update.
func TestAnotherControllerGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, logs(nil), node("a", nil), node("b", nil), node("c", nil))
		controllertest.Run(t, w.client, func(context.Context) { w.settle(); w.change(image("log:2")) }, daemonset.New, scheduler.New)
		controllertest.Run(t, w.client, func(context.Context) { w.settle() }, daemonset.New, scheduler.New)
		w.wants("a log:2", "b log:2", "c log:2")
		if diff := cmp.Diff(map[string]int64{"log:1": 1, "log:2": 2}, w.revisions()); diff != "" {
			t.Errorf("revisions by image (-want +got):\n%s", diff)
		}
	})
}
