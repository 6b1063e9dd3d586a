package validation_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apimachinery/pkg/util/yaml"

	"github.com/causeway-access/causeway/internal/apiserver/scheme"
	"github.com/causeway-access/causeway/internal/apiserver/validation"
)

// change is one case: an edit of a valid object, and the errors it earns,
// each as "type path". None means that the edit is allowed.
type change[T runtime.Object] struct {
	name string
	edit func(T)
	want []string
}

// Types of errors, short.
const (
	invalid     = string(field.ErrorTypeInvalid)
	required    = string(field.ErrorTypeRequired)
	unsupported = string(field.ErrorTypeNotSupported)
	duplicate   = string(field.ErrorTypeDuplicate)
	forbidden   = string(field.ErrorTypeForbidden)
	long        = string(field.ErrorTypeTooLong)
	many        = string(field.ErrorTypeTooMany)
)

// base reads a manifest as the API server does, defaults included.
func base[T runtime.Object](t testing.TB, manifest string) T {
	t.Helper()
	data, err := yaml.ToJSON([]byte("---\n" + manifest)) // else flow style would pass for JSON
	if err != nil {
		t.Fatal(err)
	}
	s := scheme.New()
	obj, _, err := s.Codecs.UniversalDeserializer().Decode(data, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	s.Default(obj)
	return obj.(T)
}

// found writes errors as cases do.
func found(errs field.ErrorList) []string {
	var list []string
	for _, e := range errs {
		list = append(list, string(e.Type)+" "+e.Field)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// creations checks a manifest that is valid, and edits of it as new objects.
func creations[T runtime.Object](t *testing.T, resource schema.GroupResource, manifest string, cases []change[T]) {
	t.Helper()
	rules := validation.For(resource)
	valid := base[T](t, manifest)
	if errs := rules.Create(valid); len(errs) > 0 {
		t.Fatalf("the base is refused: %v", errs)
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			obj := valid.DeepCopyObject().(T)
			c.edit(obj)
			if diff := cmp.Diff(c.want, found(rules.Create(obj))); diff != "" {
				t.Errorf("errors (-want +got):\n%s%v", diff, rules.Create(obj))
			}
		})
	}
}

// updates checks edits of a stored object through one way of writing.
func updates[T runtime.Object](t *testing.T, check func(obj, old runtime.Object) field.ErrorList, old T, cases []change[T]) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			obj := old.DeepCopyObject().(T)
			c.edit(obj)
			errs := check(obj, old)
			if diff := cmp.Diff(c.want, found(errs)); diff != "" {
				t.Errorf("errors (-want +got):\n%s%v", diff, errs)
			}
		})
	}
}

// stored is a manifest as an object that has been written once.
func stored[T interface {
	runtime.Object
	SetResourceVersion(string)
}](t testing.TB, manifest string) T {
	t.Helper()
	obj := base[T](t, manifest)
	obj.SetResourceVersion("1")
	return obj
}

func core(resource string) schema.GroupResource { return schema.GroupResource{Resource: resource} }
