package conformance

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	applycore "k8s.io/client-go/applyconfigurations/core/v1"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
)

// patience is how long a test waits for what the cluster does by itself.
const patience = time.Minute

// eventually waits until a condition is met, and ends the test if it is not.
func eventually(t *testing.T, what string, met func() bool) {
	t.Helper()
	timeout := time.After(patience)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !met() {
		select {
		case <-tick.C:
		case <-timeout:
			t.Fatalf("waited in vain until %s", what)
		}
	}
}

// bothEncodings runs a test with a client that speaks protobuf and with one
// that speaks JSON.
func bothEncodings(t *testing.T, test func(t *testing.T, client kubernetes.Interface)) {
	for _, encoding := range []string{"application/vnd.kubernetes.protobuf", "application/json"} {
		t.Run(encoding, func(t *testing.T) {
			cfg := rest.CopyConfig(shared.REST)
			cfg.AcceptContentTypes, cfg.ContentType = encoding, encoding
			client, err := kubernetes.NewForConfig(cfg)
			if err != nil {
				t.Fatal(err)
			}
			test(t, client)
		})
	}
}

func TestClientGoWatchesWhatItWrites(t *testing.T) {
	bothEncodings(t, func(t *testing.T, client kubernetes.Interface) {
		maps := client.CoreV1().ConfigMaps(shared.Namespace(t))
		w, err := maps.Watch(t.Context(), metav1.ListOptions{LabelSelector: "watched=yes"})
		if err != nil {
			t.Fatal(err)
		}
		defer w.Stop()
		made, err := maps.Create(t.Context(), &corev1.ConfigMap{
			ObjectMeta: metav1.ObjectMeta{Name: "a", Labels: map[string]string{"watched": "yes"}}, Data: map[string]string{"k": "1"},
		}, metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		expect(t, w, watch.Added, "1")
		made.Data["k"] = "2"
		if _, err := maps.Update(t.Context(), made, metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
		expect(t, w, watch.Modified, "2")
		if _, err := maps.Patch(t.Context(), "a", types.StrategicMergePatchType, []byte(`{"data":{"k":"3"}}`), metav1.PatchOptions{}); err != nil {
			t.Fatal(err)
		}
		expect(t, w, watch.Modified, "3")
		apply := applycore.ConfigMap("a", made.Namespace).WithData(map[string]string{"k": "4"})
		if _, err := maps.Apply(t.Context(), apply, metav1.ApplyOptions{FieldManager: "test", Force: true}); err != nil {
			t.Fatal(err)
		}
		expect(t, w, watch.Modified, "4")
		// What a selector no longer matches is gone for the watcher.
		if _, err := maps.Patch(t.Context(), "a", types.MergePatchType, []byte(`{"metadata":{"labels":null}}`), metav1.PatchOptions{}); err != nil {
			t.Fatal(err)
		}
		expect(t, w, watch.Deleted, "4")
		list, err := maps.List(t.Context(), metav1.ListOptions{FieldSelector: "metadata.name=a"})
		if err != nil || len(list.Items) != 1 || list.Items[0].Data["k"] != "4" {
			t.Errorf("list: %v, %v", list, err)
		}
	})
}

// expect takes the next event of a config map.
func expect(t *testing.T, w watch.Interface, kind watch.EventType, value string) {
	t.Helper()
	select {
	case e := <-w.ResultChan():
		m, ok := e.Object.(*corev1.ConfigMap)
		if !ok || e.Type != kind || m.Data["k"] != value {
			t.Fatalf("got %s %v, want %s with value %s", e.Type, e.Object, kind, value)
		}
	case <-time.After(patience):
		t.Fatalf("no event; want %s with value %s", kind, value)
	}
}

func TestInformersFollow(t *testing.T) {
	ns := shared.Namespace(t)
	factory := informers.NewSharedInformerFactoryWithOptions(shared.Client, 0, informers.WithNamespace(ns))
	services := factory.Core().V1().Services()
	var added, deleted atomic.Int32
	if _, err := services.Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(any) { added.Add(1) },
		DeleteFunc: func(any) { deleted.Add(1) },
	}); err != nil {
		t.Fatal(err)
	}
	factory.Start(t.Context().Done())
	factory.WaitForCacheSync(t.Context().Done())
	for _, name := range []string{"a", "b"} {
		createService(t, shared.Client, ns, name)
	}
	eventually(t, "both services are added", func() bool { return added.Load() == 2 })
	if s, err := services.Lister().Services(ns).Get("a"); err != nil || s.Spec.ClusterIP == "" {
		t.Errorf("the lister has %v, %v", s, err)
	}
	if err := shared.Client.CoreV1().Services(ns).Delete(t.Context(), "a", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "one is deleted", func() bool { return deleted.Load() == 1 })
}

// createService makes a service with one port.
func createService(t *testing.T, client kubernetes.Interface, ns, name string) *corev1.Service {
	t.Helper()
	s, err := client.CoreV1().Services(ns).Create(t.Context(), &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec:       corev1.ServiceSpec{Selector: map[string]string{"app": name}, Ports: []corev1.ServicePort{{Port: 80}}},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatalf("creating service %s: %v", name, err)
	}
	return s
}

func TestOneLeaderAtATime(t *testing.T) {
	ns := shared.Namespace(t)
	leading := make(chan string, 2)
	candidate := func(id string) (stop func()) {
		ctx, cancel := context.WithCancel(t.Context())
		elector, err := leaderelection.NewLeaderElector(leaderelection.LeaderElectionConfig{
			Lock: &resourcelock.LeaseLock{
				LeaseMeta: metav1.ObjectMeta{Namespace: ns, Name: "leader"}, Client: shared.Client.CoordinationV1(),
				LockConfig: resourcelock.ResourceLockConfig{Identity: id},
			},
			LeaseDuration: 20 * time.Second, RenewDeadline: 15 * time.Second, RetryPeriod: 100 * time.Millisecond, ReleaseOnCancel: true,
			Callbacks: leaderelection.LeaderCallbacks{OnStartedLeading: func(context.Context) { leading <- id }, OnStoppedLeading: func() {}},
		})
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan struct{})
		go func() { elector.Run(ctx); close(done) }()
		return func() { cancel(); <-done }
	}
	next := func() string {
		select {
		case id := <-leading:
			return id
		case <-time.After(patience):
			t.Fatal("nobody leads")
			return ""
		}
	}
	stopFirst := candidate("first")
	if got := next(); got != "first" {
		t.Fatalf("%s leads", got)
	}
	stopSecond := candidate("second")
	lease, err := shared.Client.CoordinationV1().Leases(ns).Get(t.Context(), "leader", metav1.GetOptions{})
	if err != nil || *lease.Spec.HolderIdentity != "first" {
		t.Errorf("the lease is %v, %v", lease, err)
	}
	stopFirst()
	if got := next(); got != "second" {
		t.Errorf("%s leads after the first has gone", got)
	}
	stopSecond()
}

func TestDynamicClientNeedsNoTypes(t *testing.T) {
	client, err := dynamic.NewForConfig(shared.REST)
	if err != nil {
		t.Fatal(err)
	}
	ns := shared.Namespace(t)
	ingresses := client.Resource(schema.GroupVersionResource{Group: "networking.k8s.io", Version: "v1", Resource: "ingresses"}).Namespace(ns)
	object := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": map[string]any{"name": "i"},
		"spec": map[string]any{"defaultBackend": map[string]any{"service": map[string]any{"name": "web", "port": map[string]any{"number": int64(80)}}}},
	}}
	if _, err := ingresses.Apply(t.Context(), "i", object, metav1.ApplyOptions{FieldManager: "test"}); err != nil {
		t.Fatal(err)
	}
	list, err := ingresses.List(t.Context(), metav1.ListOptions{})
	if err != nil || len(list.Items) != 1 {
		t.Fatalf("list: %v, %v", list, err)
	}
	if diff := cmp.Diff(object.Object["spec"], list.Items[0].Object["spec"]); diff != "" {
		t.Errorf("the spec is not what was sent (-sent +got):\n%s", diff)
	}
}
