package garbagecollector_test

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	metadatafake "k8s.io/client-go/metadata/fake"
	"k8s.io/utils/ptr"

	"github.com/causeway-access/causeway/internal/controller"
	"github.com/causeway-access/causeway/internal/controller/garbagecollector"
	"github.com/causeway-access/causeway/test/fakeapi"
)

// world is a server with a collector: config maps and secrets in namespaces,
// and cluster-wide nodes.
type world struct {
	t      *testing.T
	client *metadatafake.FakeMetadataClient
}

var configMaps, secrets = schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}, schema.GroupVersionResource{Version: "v1", Resource: "secrets"}

// served is the discovery of the world.
type served struct{}

func (served) ServerGroupsAndResources() ([]*metav1.APIGroup, []*metav1.APIResourceList, error) {
	verbs := metav1.Verbs{"create", "delete", "get", "list", "patch", "update", "watch"}
	return []*metav1.APIGroup{{PreferredVersion: metav1.GroupVersionForDiscovery{GroupVersion: "v1", Version: "v1"}}},
		[]*metav1.APIResourceList{{GroupVersion: "v1", APIResources: []metav1.APIResource{
			{Name: "configmaps", Kind: "ConfigMap", Namespaced: true, Verbs: verbs},
			{Name: "secrets", Kind: "Secret", Namespaced: true, Verbs: verbs},
			{Name: "nodes", Kind: "Node", Verbs: verbs},
			{Name: "nodes/status", Kind: "Node", Verbs: verbs},
		}}}, nil
}

// play runs a collector on objects and calls story when it has done all there
// was to do.
func play(t *testing.T, objects []*metav1.PartialObjectMetadata, prepare func(*world), story func(*world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		scheme := metadatafake.NewTestScheme()
		if err := metav1.AddMetaToScheme(scheme); err != nil {
			t.Fatal(err)
		}
		var all []runtime.Object
		for _, object := range objects {
			all = append(all, object)
		}
		w := &world{t: t, client: metadatafake.NewSimpleMetadataClient(scheme, all...)}
		if prepare != nil {
			prepare(w)
		}
		client := fakeapi.NewClientset()
		collector, err := garbagecollector.New(
			controller.Config{Client: client, Informers: informers.NewSharedInformerFactory(client, 0), Logger: slog.New(slog.DiscardHandler)},
			garbagecollector.Config{Metadata: w.client, Discovery: served{}})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- collector.Run(ctx) }()
		<-collector.Ready()
		w.settle()
		story(w)
		cancel()
		if err := <-done; err != nil {
			t.Errorf("collector ended with an error: %v", err)
		}
	})
}

// settle lets retries happen.
func (w *world) settle() {
	time.Sleep(10 * time.Second)
	synctest.Wait()
}

// names is what is left of a resource, sorted, as namespace/name.
func (w *world) names(resource string) []string {
	w.t.Helper()
	list, err := w.client.Resource(schema.GroupVersionResource{Version: "v1", Resource: resource}).List(w.t.Context(), metav1.ListOptions{})
	if err != nil {
		w.t.Fatal(err)
	}
	names := []string{}
	for _, item := range list.Items {
		names = append(names, strings.TrimPrefix(item.Namespace+"/"+item.Name, "/"))
	}
	slices.Sort(names)
	return names
}

func (w *world) get(resource, name string) *metav1.PartialObjectMetadata {
	w.t.Helper()
	found, err := w.client.Resource(schema.GroupVersionResource{Version: "v1", Resource: resource}).
		Namespace("ns").Get(w.t.Context(), name, metav1.GetOptions{})
	if err != nil {
		w.t.Fatal(err)
	}
	return found
}

// delete deletes at once, as for an object without finalizers.
func (w *world) delete(resource, name string) {
	w.t.Helper()
	err := w.client.Resource(schema.GroupVersionResource{Version: "v1", Resource: resource}).
		Namespace("ns").Delete(w.t.Context(), name, metav1.DeleteOptions{})
	if err != nil {
		w.t.Fatal(err)
	}
}

func object(kind, namespace, name string, owners ...metav1.OwnerReference) *metav1.PartialObjectMetadata {
	return &metav1.PartialObjectMetadata{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: kind},
		ObjectMeta: metav1.ObjectMeta{
			Namespace:       namespace,
			Name:            name,
			UID:             types.UID("uid-" + name),
			ResourceVersion: "1",
			OwnerReferences: owners,
		},
	}
}

func owner(kind, name string) metav1.OwnerReference {
	return metav1.OwnerReference{APIVersion: "v1", Kind: kind, Name: name, UID: types.UID("uid-" + name)}
}

func blocking(reference metav1.OwnerReference) metav1.OwnerReference {
	reference.BlockOwnerDeletion = ptr.To(true)
	return reference
}

// ending is object while it is being deleted, held by a finalizer.
func ending(object *metav1.PartialObjectMetadata, finalizer string) *metav1.PartialObjectMetadata {
	object.DeletionTimestamp = ptr.To(metav1.Now())
	object.Finalizers = []string{finalizer}
	return object
}
