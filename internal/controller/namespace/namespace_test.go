package namespace_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/kubernetes/fake"
	metadatafake "k8s.io/client-go/metadata/fake"
	clienttesting "k8s.io/client-go/testing"

	"github.com/causeway-access/causeway/internal/controller"
	"github.com/causeway-access/causeway/internal/controller/controllertest"
	"github.com/causeway-access/causeway/internal/controller/namespace"
)

// served is discovery with a kind that can be deleted as a collection, one that
// cannot, and one that cannot be deleted.
type served struct{ err error }

func (s served) ServerPreferredNamespacedResources() ([]*metav1.APIResourceList, error) {
	return []*metav1.APIResourceList{
		{GroupVersion: "v1", APIResources: []metav1.APIResource{
			{Name: "pods", Kind: "Pod", Namespaced: true, Verbs: metav1.Verbs{"list", "delete", "deletecollection"}},
			{Name: "configmaps", Kind: "ConfigMap", Namespaced: true, Verbs: metav1.Verbs{"list", "delete", "deletecollection"}},
			{Name: "bindings", Kind: "Binding", Namespaced: true, Verbs: metav1.Verbs{"create"}},
		}},
		{GroupVersion: "example.com/v1", APIResources: []metav1.APIResource{
			{Name: "widgets", Kind: "Widget", Namespaced: true, Verbs: metav1.Verbs{"list", "delete"}},
		}},
	}, s.err
}

func object(apiVersion, kind, space, name string, finalizers ...string) *metav1.PartialObjectMetadata {
	return &metav1.PartialObjectMetadata{
		TypeMeta:   metav1.TypeMeta{APIVersion: apiVersion, Kind: kind},
		ObjectMeta: metav1.ObjectMeta{Namespace: space, Name: name, Finalizers: finalizers},
	}
}

// stage is a namespace being deleted and what is in it.
type stage struct {
	*testing.T
	client  *fake.Clientset
	content *metadatafake.FakeMetadataClient
}

func play(t *testing.T, discovery namespace.Discovery, objects []runtime.Object, story func(context.Context, stage)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		now := metav1.Now()
		client := controllertest.NewClient(&corev1.Namespace{
			ObjectMeta: metav1.ObjectMeta{Name: "going", DeletionTimestamp: &now, Finalizers: []string{"example.com/keeps-the-fake-from-removing-it"}},
			Spec:       corev1.NamespaceSpec{Finalizers: []corev1.FinalizerName{corev1.FinalizerKubernetes}},
		})
		scheme := metadatafake.NewTestScheme()
		if err := metav1.AddMetaToScheme(scheme); err != nil {
			t.Fatal(err)
		}
		content := metadatafake.NewSimpleMetadataClient(scheme, objects...)
		holdWithFinalizers(content)
		controllertest.Run(t, client, func(ctx context.Context) {
			time.Sleep(time.Second)
			synctest.Wait()
			story(ctx, stage{t, client, content})
		}, func(config controller.Config) (controller.Controller, error) {
			return namespace.New(config, namespace.Config{Metadata: content, Discovery: discovery})
		})
	})
}

// holdWithFinalizers lets the fake, which knows no finalizers, keep what has
// some, and delete collections.
func holdWithFinalizers(content *metadatafake.FakeMetadataClient) {
	content.PrependReactor("delete", "*", func(action clienttesting.Action) (bool, runtime.Object, error) {
		found, err := content.Tracker().Get(action.GetResource(), action.GetNamespace(), action.(clienttesting.DeleteAction).GetName())
		if err != nil {
			return true, nil, err
		}
		return len(found.(*metav1.PartialObjectMetadata).Finalizers) > 0, nil, nil
	})
	content.PrependReactor("delete-collection", "*", func(action clienttesting.Action) (bool, runtime.Object, error) {
		// By the tracker: the client itself is locked while a reactor runs.
		resource, listKind := action.GetResource(), schema.GroupVersionKind{Group: "fake-metadata-client-group", Version: "v1"}
		list, err := content.Tracker().List(resource, listKind, action.GetNamespace())
		if err != nil {
			return true, nil, err
		}
		for _, item := range list.(*metav1.List).Items {
			object := item.Object.(*metav1.PartialObjectMetadata)
			if len(object.Finalizers) == 0 {
				if err := content.Tracker().Delete(resource, object.Namespace, object.Name); err != nil {
					return true, nil, err
				}
			}
		}
		return true, nil, nil
	})
}

func (s stage) held(ctx context.Context) bool {
	s.Helper()
	namespace, err := s.client.CoreV1().Namespaces().Get(ctx, "going", metav1.GetOptions{})
	if err != nil {
		s.Fatal(err)
	}
	return slices.Contains(namespace.Spec.Finalizers, corev1.FinalizerKubernetes)
}

// bad is the reasons of all conditions that are true.
func (s stage) bad(ctx context.Context) []string {
	s.Helper()
	namespace, err := s.client.CoreV1().Namespaces().Get(ctx, "going", metav1.GetOptions{})
	if err != nil {
		s.Fatal(err)
	}
	var reasons []string
	for _, condition := range namespace.Status.Conditions {
		if condition.Status == corev1.ConditionTrue {
			reasons = append(reasons, condition.Reason)
		}
	}
	return reasons
}

var (
	configMaps = schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}
	widgets    = schema.GroupVersionResource{Group: "example.com", Version: "v1", Resource: "widgets"}
	pods       = schema.GroupVersionResource{Version: "v1", Resource: "pods"}
)

func (s stage) count(ctx context.Context, resource schema.GroupVersionResource, space string) int {
	s.Helper()
	list, err := s.content.Resource(resource).Namespace(space).List(ctx, metav1.ListOptions{})
	if err != nil {
		s.Fatal(err)
	}
	return len(list.Items)
}

func TestContentGoesAndThenTheNamespace(t *testing.T) {
	objects := []runtime.Object{
		object("v1", "ConfigMap", "going", "a"), object("v1", "ConfigMap", "going", "b"), object("v1", "ConfigMap", "stays", "c"),
		object("example.com/v1", "Widget", "going", "w"), object("v1", "Pod", "going", "p"),
	}
	play(t, served{}, objects, func(ctx context.Context, s stage) {
		if s.held(ctx) {
			t.Errorf("the namespace is still held, because of %q", s.bad(ctx))
		}
		for _, resource := range []schema.GroupVersionResource{configMaps, widgets, pods} {
			if got := s.count(ctx, resource, "going"); got != 0 {
				t.Errorf("%d %s left, want none", got, resource.Resource)
			}
		}
		if got := s.count(ctx, configMaps, "stays"); got != 1 {
			t.Errorf("%d config maps left in another namespace, want 1", got)
		}
	})
}

func TestNamespaceWaitsForFinalizersAndSaysSo(t *testing.T) {
	objects := []runtime.Object{object("v1", "ConfigMap", "going", "a", "example.com/hold"), object("v1", "ConfigMap", "going", "b")}
	play(t, served{}, objects, func(ctx context.Context, s stage) {
		if !s.held(ctx) {
			t.Fatal("the namespace was let go with content in it")
		}
		if diff := cmp.Diff([]string{"SomeResourcesRemain", "SomeFinalizersRemain"}, s.bad(ctx)); diff != "" {
			t.Errorf("reasons (-want +got):\n%s", diff)
		}
		if err := s.content.Tracker().Delete(configMaps, "going", "a"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if s.held(ctx) {
			t.Errorf("the namespace is still held, because of %q", s.bad(ctx))
		}
	})
}

func TestPodsGoFirst(t *testing.T) {
	objects := []runtime.Object{object("v1", "Pod", "going", "p", "example.com/hold"), object("v1", "ConfigMap", "going", "a")}
	play(t, served{}, objects, func(ctx context.Context, s stage) {
		if got := s.count(ctx, configMaps, "going"); got != 1 {
			t.Errorf("%d config maps left while a pod is, want 1", got)
		}
	})
}

func TestNamespaceStaysWhileAGroupCannotSayWhatItHas(t *testing.T) {
	failed := &discovery.ErrGroupDiscoveryFailed{Groups: map[schema.GroupVersion]error{
		{Group: "broken.example.com", Version: "v1"}: errors.New("no answer"),
	}}
	play(t, served{failed}, []runtime.Object{object("v1", "ConfigMap", "going", "a")}, func(ctx context.Context, s stage) {
		if !s.held(ctx) {
			t.Error("the namespace was let go though nobody knows what is left in it")
		}
		if diff := cmp.Diff([]string{"DiscoveryFailed"}, s.bad(ctx)); diff != "" {
			t.Errorf("reasons (-want +got):\n%s", diff)
		}
		if got := s.count(ctx, configMaps, "going"); got != 0 {
			t.Errorf("%d config maps left, want none: what is known is deleted", got)
		}
	})
}
