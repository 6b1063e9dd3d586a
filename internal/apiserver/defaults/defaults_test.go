package defaults_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/causeway-access/causeway/internal/apiserver/defaults"
)

func newScheme(t testing.TB) *runtime.Scheme {
	t.Helper()
	s := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{scheme.AddToScheme, defaults.AddToScheme} {
		if err := add(s); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// TestObjectsAreCompleted reads testdata: in each file what an author writes,
// a line of dashes, and what the server makes of it.
func TestObjectsAreCompleted(t *testing.T) {
	s := newScheme(t)
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no testdata: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			given, want, ok := bytes.Cut(text, []byte("\n---\n"))
			if !ok {
				t.Fatal("no line of dashes")
			}
			if d := cmp.Diff(fields(t, want), complete(t, s, given)); d != "" {
				t.Errorf("object (-want +got):\n%s", d)
			}
		})
	}
}

// complete decodes an object as the server does and returns its fields.
func complete(t testing.TB, s *runtime.Scheme, text []byte) map[string]any {
	t.Helper()
	obj, gvk, err := serializer.NewCodecFactory(s, serializer.EnableStrict).UniversalDeserializer().Decode(text, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	s.Default(obj)
	once := obj.DeepCopyObject()
	s.Default(obj)
	if d := cmp.Diff(once, obj); d != "" {
		t.Errorf("defaulting twice changes the object (-once +twice):\n%s", d)
	}
	obj.GetObjectKind().SetGroupVersionKind(*gvk)
	raw, err := json.Marshal(obj)
	if err != nil {
		t.Fatal(err)
	}
	return fields(t, raw)
}

// fields reads an object, without what is always printed and empty.
func fields(t testing.TB, text []byte) map[string]any {
	t.Helper()
	var obj map[string]any
	if err := yaml.Unmarshal(text, &obj); err != nil {
		t.Fatal(err)
	}
	return prune(obj)
}

// prune drops empty status, creationTimestamp and resources, which the types
// print though they say nothing.
func prune(obj map[string]any) map[string]any {
	for key, value := range obj {
		switch v := value.(type) {
		case map[string]any:
			prune(v)
			if len(v) == 0 && (key == "status" || key == "resources" || key == "loadBalancer") {
				delete(obj, key)
			}
		case []any:
			for _, item := range v {
				if m, ok := item.(map[string]any); ok {
					prune(m)
				}
			}
		case nil:
			delete(obj, key)
		}
	}
	return obj
}
