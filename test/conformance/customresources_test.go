package conformance

import (
	"slices"
	"strings"
	"testing"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	extensionsclient "k8s.io/apiextensions-apiserver/pkg/client/clientset/clientset"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
)

var crontabs = schema.GroupVersionResource{Group: "stable.example.com", Version: "v1", Resource: "crontabs"}

func crontab(name string, replicas int64) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": crontabs.GroupVersion().String(), "kind": "CronTab",
		"metadata": map[string]any{"name": name}, "spec": map[string]any{"replicas": replicas},
	}}
}

func definition() *apiextensionsv1.CustomResourceDefinition {
	least := 1.0
	return &apiextensionsv1.CustomResourceDefinition{
		ObjectMeta: metav1.ObjectMeta{Name: crontabs.Resource + "." + crontabs.Group},
		Spec: apiextensionsv1.CustomResourceDefinitionSpec{
			Group: crontabs.Group, Scope: apiextensionsv1.NamespaceScoped,
			Names: apiextensionsv1.CustomResourceDefinitionNames{Plural: crontabs.Resource, Kind: "CronTab"},
			Versions: []apiextensionsv1.CustomResourceDefinitionVersion{{
				Name: crontabs.Version, Served: true, Storage: true,
				Schema: &apiextensionsv1.CustomResourceValidation{OpenAPIV3Schema: &apiextensionsv1.JSONSchemaProps{
					Type: "object", Properties: map[string]apiextensionsv1.JSONSchemaProps{"spec": {
						Type: "object", Properties: map[string]apiextensionsv1.JSONSchemaProps{"replicas": {Type: "integer", Minimum: &least}},
					}},
				}},
			}},
		},
	}
}

func TestCustomResourcesAreServedDescribedAndDeleted(t *testing.T) {
	extensions, err := extensionsclient.NewForConfig(shared.REST)
	if err != nil {
		t.Fatal(err)
	}
	objects, err := dynamic.NewForConfig(shared.REST)
	if err != nil {
		t.Fatal(err)
	}
	definitions := extensions.ApiextensionsV1().CustomResourceDefinitions()
	made, err := definitions.Create(t.Context(), definition(), metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	discovery := shared.Client.Discovery()
	eventually(t, "the list of groups names the new one", func() bool {
		text, err := discovery.RESTClient().Get().AbsPath("/apis").SetHeader("Accept", "application/json").DoRaw(t.Context())
		return err == nil && strings.Contains(string(text), crontabs.Group) && strings.Contains(string(text), apiextensionsv1.GroupName)
	})
	eventually(t, "OpenAPI v3 describes it", func() bool {
		paths, err := discovery.OpenAPIV3().Paths()
		return err == nil && slices.Contains(keys(paths), "apis/"+crontabs.GroupVersion().String())
	})

	ns := shared.Namespace(t)
	tabs := objects.Resource(crontabs).Namespace(ns)
	eventually(t, "an object can be created", func() bool {
		_, err := tabs.Create(t.Context(), crontab("good", 3), metav1.CreateOptions{})
		return err == nil || apierrors.IsAlreadyExists(err)
	})
	_, err = tabs.Create(t.Context(), crontab("bad", 0), metav1.CreateOptions{})
	if !apierrors.IsInvalid(err) || !strings.Contains(err.Error(), "spec.replicas") {
		t.Errorf("an object against its schema: got %v, want 422 that names spec.replicas", err)
	}

	if err := shared.Client.CoreV1().Namespaces().Delete(t.Context(), ns, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the deleted namespace has taken the object with it", func() bool {
		_, err := tabs.Get(t.Context(), "good", metav1.GetOptions{})
		return apierrors.IsNotFound(err)
	})
	if err := definitions.Delete(t.Context(), made.Name, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the list of groups no longer names it", func() bool {
		text, err := discovery.RESTClient().Get().AbsPath("/apis").SetHeader("Accept", "application/json").DoRaw(t.Context())
		return err == nil && !strings.Contains(string(text), crontabs.Group)
	})
}

func keys[V any](m map[string]V) []string {
	var names []string
	for name := range m {
		names = append(names, name)
	}
	return names
}
