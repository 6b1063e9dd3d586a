package conformance

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	eventsv1 "k8s.io/api/events/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
)

func TestAddressesAndPortsAreUniqueAndComeBack(t *testing.T) {
	ns := shared.Namespace(t)
	services := shared.Client.CoreV1().Services(ns)
	const count = 50
	made := make([]*corev1.Service, count)
	var group sync.WaitGroup
	for i := range count {
		group.Go(func() {
			var err error
			made[i], err = services.Create(t.Context(), &corev1.Service{
				ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("s%d", i)},
				Spec:       corev1.ServiceSpec{Type: corev1.ServiceTypeNodePort, Ports: []corev1.ServicePort{{Port: 80}}},
			}, metav1.CreateOptions{})
			if err != nil {
				t.Errorf("service %d: %v", i, err)
			}
		})
	}
	group.Wait()
	if t.Failed() {
		return
	}
	seen := map[string]string{}
	for _, s := range made {
		for _, item := range []string{s.Spec.ClusterIP, fmt.Sprint(s.Spec.Ports[0].NodePort)} {
			if other, ok := seen[item]; ok {
				t.Errorf("%s and %s both have %s", s.Name, other, item)
			}
			seen[item] = s.Name
		}
	}
	again := made[0].DeepCopy()
	again.ObjectMeta = metav1.ObjectMeta{Name: "again"}
	if _, err := services.Create(t.Context(), again, metav1.CreateOptions{}); !apierrors.IsInvalid(err) {
		t.Errorf("what is taken is given twice: %v", err)
	}
	if err := services.Delete(t.Context(), made[0].Name, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := services.Create(t.Context(), again, metav1.CreateOptions{}); err != nil {
		t.Errorf("what was given back is not free: %v", err)
	}
}

func TestDryRunKeepsNothing(t *testing.T) {
	ns := shared.Namespace(t)
	services := shared.Client.CoreV1().Services(ns)
	// Of the parts of the ranges that nobody is given anything from who does not
	// ask for it by name (KEP-3070): services of other tests may be going still.
	wanted := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: "s"}, Spec: corev1.ServiceSpec{
		Type: corev1.ServiceTypeNodePort, ClusterIP: "10.96.0.77", Ports: []corev1.ServicePort{{Port: 80, NodePort: 30077}},
	}}
	for range 2 {
		if _, err := services.Create(t.Context(), wanted, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}}); err != nil {
			t.Fatalf("a dry run: %v", err)
		}
	}
	if _, err := services.Get(t.Context(), "s", metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		t.Errorf("a dry run made the service: %v", err)
	}
	if _, err := services.Create(t.Context(), wanted, metav1.CreateOptions{}); err != nil {
		t.Errorf("after dry runs: %v", err)
	}
	if err := services.Delete(t.Context(), "s", metav1.DeleteOptions{DryRun: []string{metav1.DryRunAll}}); err != nil {
		t.Fatal(err)
	}
	wanted.Name = "other"
	if _, err := services.Create(t.Context(), wanted, metav1.CreateOptions{}); !apierrors.IsInvalid(err) {
		t.Errorf("a dry run of a deletion gave the address back: %v", err)
	}
}

func TestNothingIsMadeInAnEndingNamespace(t *testing.T) {
	ns := shared.Namespace(t)
	maps := shared.Client.CoreV1().ConfigMaps(ns)
	if _, err := maps.Create(t.Context(), &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "holds", Finalizers: []string{"example.org/hold"}}}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := shared.Client.CoreV1().Namespaces().Delete(t.Context(), ns, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	_, err := createMap(t, ns, "late", nil)
	if !apierrors.IsForbidden(err) || !apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause) || !strings.Contains(err.Error(), "because it is being terminated") {
		t.Errorf("a late config map: %v", err)
	}
	eventually(t, "the namespace tells what it waits for", func() bool {
		n, err := shared.Client.CoreV1().Namespaces().Get(t.Context(), ns, metav1.GetOptions{})
		return err == nil && n.Status.Phase == corev1.NamespaceTerminating && strings.Contains(fmt.Sprint(n.Status.Conditions), "example.org/hold")
	})
	if _, err := maps.Patch(t.Context(), "holds", types.MergePatchType, []byte(`{"metadata":{"finalizers":null}}`), metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the namespace is gone", func() bool {
		_, err := shared.Client.CoreV1().Namespaces().Get(t.Context(), ns, metav1.GetOptions{})
		return apierrors.IsNotFound(err)
	})
}

func TestWatchFromAVersionWithBookmarks(t *testing.T) {
	ns := shared.Namespace(t)
	maps := shared.Client.CoreV1().ConfigMaps(ns)
	list, err := maps.List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := createMap(t, ns, "first", map[string]string{"k": "1"}); err != nil {
		t.Fatal(err)
	}
	w, err := maps.Watch(t.Context(), metav1.ListOptions{
		ResourceVersion: list.ResourceVersion, AllowWatchBookmarks: true, FieldSelector: "metadata.name=first",
	})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Stop()
	expect(t, w, watch.Added, "1")

	// A watch-list sends what there is, then a bookmark that says so (KEP-3157).
	send := true
	stream, err := maps.Watch(t.Context(), metav1.ListOptions{
		SendInitialEvents: &send, ResourceVersionMatch: metav1.ResourceVersionMatchNotOlderThan, AllowWatchBookmarks: true, FieldSelector: "metadata.name=first",
	})
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Stop()
	expect(t, stream, watch.Added, "1")
	select {
	case e := <-stream.ResultChan():
		m, ok := e.Object.(*corev1.ConfigMap)
		if !ok || e.Type != watch.Bookmark || m.Annotations[metav1.InitialEventsAnnotationKey] != "true" || m.ResourceVersion == "" {
			t.Errorf("got %s %v, want the bookmark that ends the list", e.Type, e.Object)
		}
	case <-time.After(patience):
		t.Error("no bookmark")
	}
}

func TestOldVersionsConflict(t *testing.T) {
	ns := shared.Namespace(t)
	maps := shared.Client.CoreV1().ConfigMaps(ns)
	old, err := createMap(t, ns, "c", map[string]string{"n": ""})
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	const writers = 8
	for range writers {
		group.Go(func() {
			err := appendOne(t, ns)
			for apierrors.IsConflict(err) {
				err = appendOne(t, ns)
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	now, err := maps.Get(t.Context(), "c", metav1.GetOptions{})
	if err != nil || len(now.Data["n"]) != writers {
		t.Errorf("%d writers left %v, %v", writers, now.Data, err)
	}
	if _, err := maps.Update(t.Context(), old, metav1.UpdateOptions{}); !apierrors.IsConflict(err) {
		t.Errorf("an update of the first version: %v", err)
	}
	err = maps.Delete(t.Context(), "c", metav1.DeleteOptions{Preconditions: &metav1.Preconditions{ResourceVersion: &old.ResourceVersion}})
	if !apierrors.IsConflict(err) {
		t.Errorf("a deletion of the first version: %v", err)
	}
}

// appendOne reads, adds a character, and writes.
func appendOne(t *testing.T, ns string) error {
	maps := shared.Client.CoreV1().ConfigMaps(ns)
	c, err := maps.Get(t.Context(), "c", metav1.GetOptions{})
	if err != nil {
		return err
	}
	c.Data["n"] += "x"
	_, err = maps.Update(t.Context(), c, metav1.UpdateOptions{})
	return err
}

func TestListsComeInPages(t *testing.T) {
	ns := shared.Namespace(t)
	for i := range 5 {
		if _, err := createMap(t, ns, fmt.Sprintf("c%d", i), nil); err != nil {
			t.Fatal(err)
		}
	}
	var names []string
	options := metav1.ListOptions{Limit: 2, LabelSelector: "!nothing", FieldSelector: "metadata.name!=kube-root-ca.crt"}
	for page := 0; ; page++ {
		list, err := shared.Client.CoreV1().ConfigMaps(ns).List(t.Context(), options)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range list.Items {
			names = append(names, c.Name)
		}
		if options.Continue = list.Continue; options.Continue == "" {
			break
		}
		if page == 0 {
			// A page is of the version of the first one.
			if err := shared.Client.CoreV1().ConfigMaps(ns).Delete(t.Context(), "c4", metav1.DeleteOptions{}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if got := strings.Join(names, " "); got != "c0 c1 c2 c3 c4" {
		t.Errorf("the pages hold %s", got)
	}
}

func TestSlicesFollowPods(t *testing.T) {
	ns := shared.Namespace(t)
	createService(t, shared.Client, ns, "web")
	pods := shared.Client.CoreV1().Pods(ns)
	if _, err := pods.Create(t.Context(), &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "p", Labels: map[string]string{"app": "web"}},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "c", Image: "web:1"}}},
	}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	ready := func(status corev1.ConditionStatus) {
		t.Helper()
		patch := fmt.Sprintf(`{"status":{"phase":"Running","podIP":"10.244.7.7","podIPs":[{"ip":"10.244.7.7"}],"conditions":[{"type":"Ready","status":%q}]}}`, status)
		if _, err := pods.Patch(t.Context(), "p", types.MergePatchType, []byte(patch), metav1.PatchOptions{}, "status"); err != nil {
			t.Fatal(err)
		}
	}
	endpoints := func() []discoveryv1.Endpoint {
		list, err := shared.Client.DiscoveryV1().EndpointSlices(ns).List(t.Context(), metav1.ListOptions{LabelSelector: discoveryv1.LabelServiceName + "=web"})
		if err != nil {
			t.Fatal(err)
		}
		var all []discoveryv1.Endpoint
		for _, s := range list.Items {
			all = append(all, s.Endpoints...)
		}
		return all
	}
	ready(corev1.ConditionTrue)
	eventually(t, "the pod is a ready endpoint", func() bool {
		e := endpoints()
		return len(e) == 1 && e[0].Addresses[0] == "10.244.7.7" && *e[0].Conditions.Ready && e[0].TargetRef.Name == "p"
	})
	ready(corev1.ConditionFalse)
	eventually(t, "the endpoint is not ready", func() bool { e := endpoints(); return len(e) == 1 && !*e[0].Conditions.Ready })
	if err := pods.Delete(t.Context(), "p", *metav1.NewDeleteOptions(0)); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the endpoint is gone", func() bool { return len(endpoints()) == 0 })
}

func TestEventsAreTheSameInBothGroups(t *testing.T) {
	ns := shared.Namespace(t)
	modern := shared.Client.EventsV1().Events(ns)
	if _, err := modern.Create(t.Context(), &eventsv1.Event{
		ObjectMeta: metav1.ObjectMeta{Name: "e"}, EventTime: metav1.NowMicro(), ReportingController: "example.org/test", ReportingInstance: "one",
		Action: "Testing", Reason: "Tested", Type: corev1.EventTypeNormal, Note: "a note",
		Regarding: corev1.ObjectReference{APIVersion: "v1", Kind: "Pod", Namespace: ns, Name: "p"},
	}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	old, err := shared.Client.CoreV1().Events(ns).Get(t.Context(), "e", metav1.GetOptions{})
	if err != nil || old.Message != "a note" || old.InvolvedObject.Name != "p" || old.ReportingController != "example.org/test" {
		t.Fatalf("in the core group: %+v, %v", old, err)
	}
	list, err := shared.Client.CoreV1().Events(ns).List(t.Context(), metav1.ListOptions{FieldSelector: "involvedObject.name=p,reason=Tested"})
	if err != nil || len(list.Items) != 1 {
		t.Errorf("by field: %v, %v", list, err)
	}
	if err := shared.Client.CoreV1().Events(ns).Delete(t.Context(), "e", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := modern.Get(t.Context(), "e", metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		t.Errorf("deleted in one group, in the other: %v", err)
	}
}

func TestOwnersTakeWhatTheyOwn(t *testing.T) {
	ns := shared.Namespace(t)
	maps, secrets := shared.Client.CoreV1().ConfigMaps(ns), shared.Client.CoreV1().Secrets(ns)
	for _, policy := range []metav1.DeletionPropagation{metav1.DeletePropagationBackground, metav1.DeletePropagationForeground, metav1.DeletePropagationOrphan} {
		t.Run(string(policy), func(t *testing.T) {
			name := strings.ToLower(string(policy))
			owner, err := createMap(t, ns, name, nil)
			if err != nil {
				t.Fatal(err)
			}
			block := true
			if _, err := secrets.Create(t.Context(), &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: name, OwnerReferences: []metav1.OwnerReference{
				{APIVersion: "v1", Kind: "ConfigMap", Name: owner.Name, UID: owner.UID, BlockOwnerDeletion: &block},
			}}}, metav1.CreateOptions{}); err != nil {
				t.Fatal(err)
			}
			if err := maps.Delete(t.Context(), name, metav1.DeleteOptions{PropagationPolicy: &policy}); err != nil {
				t.Fatal(err)
			}
			eventually(t, "the owner is gone", func() bool {
				_, err := maps.Get(t.Context(), name, metav1.GetOptions{})
				return apierrors.IsNotFound(err)
			})
			switch policy {
			case metav1.DeletePropagationOrphan:
				s, err := secrets.Get(t.Context(), name, metav1.GetOptions{})
				if err != nil || len(s.OwnerReferences) != 0 {
					t.Errorf("the orphan: %v, %v", s, err)
				}
			case metav1.DeletePropagationForeground:
				if _, err := secrets.Get(t.Context(), name, metav1.GetOptions{}); !apierrors.IsNotFound(err) {
					t.Errorf("the owner went first: %v", err)
				}
			default:
				eventually(t, "what it owned is gone", func() bool {
					_, err := secrets.Get(t.Context(), name, metav1.GetOptions{})
					return apierrors.IsNotFound(err)
				})
			}
		})
	}
}
