package validation_test

import (
	"testing"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/randfill"

	"github.com/causeway-access/causeway/internal/apiserver/scheme"
	"github.com/causeway-access/causeway/internal/apiserver/validation"
)

// TestRandomObjectsAreJudged fills every field that the kinds can have, which
// text found by chance does not; a rule must not fall over any of it.
func TestRandomObjectsAreJudged(t *testing.T) {
	s := scheme.New()
	fill := randfill.NewWithSeed(1).NilChance(.4).NumElements(0, 3).MaxDepth(15).Funcs(
		func(q *resource.Quantity, c randfill.Continue) { q.Set(c.Int63()) },
		func(f *metav1.FieldsV1, _ randfill.Continue) { f.Raw = []byte("{}") },
		func(e *runtime.RawExtension, _ randfill.Continue) { e.Raw = []byte("{}") },
		func(m *metav1.Time, _ randfill.Continue) { *m = metav1.Unix(0, 0) },
		func(m *metav1.MicroTime, _ randfill.Continue) { *m = metav1.NewMicroTime(metav1.Unix(0, 0).Time) },
	)
	for kind, gr := range judged() {
		gv := schema.GroupVersion{Group: gr.Group, Version: "v1"}
		t.Run(kind, func(t *testing.T) {
			rounds := 30
			if gr.Group == admissionv1.GroupName {
				rounds = 3 // each builds an environment for CEL
			}
			for range rounds {
				obj, old := random(t, s, gv.WithKind(kind), fill), random(t, s, gv.WithKind(kind), fill)
				judgeAgainst(t, validation.For(gr), obj, old)
				s.Default(obj)
				judgeAgainst(t, validation.For(gr), obj, old)
			}
		})
	}
}

func random(t *testing.T, s *scheme.Scheme, kind schema.GroupVersionKind, fill *randfill.Filler) runtime.Object {
	t.Helper()
	obj, err := s.New(kind)
	if err != nil {
		t.Fatal(err)
	}
	fill.Fill(obj)
	return obj
}

// TestValidObjectsStayValid: what was accepted as new is accepted again when
// nothing changes, else nothing could be done to it any more.
func TestValidObjectsStayValid(t *testing.T) {
	for _, manifest := range validManifests() {
		obj := base[runtime.Object](t, manifest)
		kind := obj.GetObjectKind().GroupVersionKind()
		gr, ok := judged()[kind.Kind]
		if !ok {
			t.Fatalf("no rules for %s", kind)
		}
		gr.Group = kind.Group
		m, err := meta.Accessor(obj)
		if err != nil {
			t.Fatal(err)
		}
		m.SetResourceVersion("1")
		judgeAgainst(t, validation.For(gr), obj, obj.DeepCopyObject())
	}
}

// judgeAgainst runs every rule of a kind; those of creation and of a change
// that changes nothing agree.
func judgeAgainst(t *testing.T, r validation.Rules, obj, old runtime.Object) {
	t.Helper()
	created := r.Create(obj)
	r.Update(obj, old)
	if r.Status != nil {
		r.Status(obj, old)
	}
	if m, err := meta.Accessor(obj); len(created) > 0 || err != nil || m.GetResourceVersion() == "" {
		return
	}
	if errs := r.Update(obj, obj.DeepCopyObject()); len(errs) > 0 {
		t.Errorf("%T: accepted as new, refused unchanged: %v", obj, errs)
	}
}
