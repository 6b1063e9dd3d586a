package registry

import (
	"context"
	"reflect"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/apiserver/pkg/storage/names"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"

	"github.com/causeway-access/causeway/internal/apiserver/scheme"
	"github.com/causeway-access/causeway/internal/apiserver/validation"
)

// strategy creates, updates and deletes objects of one resource.
type strategy struct {
	*scheme.Scheme
	names.NameGenerator
	r *Resource
}

var (
	_ rest.RESTCreateStrategy         = strategy{}
	_ rest.RESTUpdateStrategy         = strategy{}
	_ rest.RESTGracefulDeleteStrategy = strategy{}
	_ rest.ResetFieldsStrategy        = strategy{}
)

func (s strategy) NamespaceScoped() bool { return s.r.Namespaced }

func (s strategy) PrepareForCreate(ctx context.Context, obj runtime.Object) {
	if s.r.Status && !s.r.StatusOnCreate {
		clearField(obj, "Status")
	}
	if s.r.Generation {
		accessor(obj).SetGeneration(1)
	}
	if s.r.PrepareCreate != nil {
		s.r.PrepareCreate(ctx, obj)
	}
}

func (s strategy) PrepareForUpdate(ctx context.Context, obj, old runtime.Object) {
	if s.r.Status {
		copyField(obj, old, "Status")
	}
	if s.r.PrepareUpdate != nil {
		s.r.PrepareUpdate(ctx, obj, old)
	}
	if s.r.Generation {
		next := accessor(old).GetGeneration()
		if !equality.Semantic.DeepEqual(fieldOf(obj, "Spec").Interface(), fieldOf(old, "Spec").Interface()) {
			next++
		}
		accessor(obj).SetGeneration(next)
	}
}

func (s strategy) Validate(ctx context.Context, obj runtime.Object) field.ErrorList {
	var errs field.ErrorList
	if s.r.Rules.Create != nil {
		errs = s.r.Rules.Create(obj)
	}
	return validation.Merge(errs, validation.Declared(ctx, s.Scheme.Scheme, obj))
}

func (s strategy) ValidateUpdate(ctx context.Context, obj, old runtime.Object) field.ErrorList {
	var errs field.ErrorList
	if s.r.Rules.Update != nil {
		errs = s.r.Rules.Update(obj, old)
	}
	return validation.Merge(errs, validation.DeclaredUpdate(ctx, s.Scheme.Scheme, obj, old))
}

// CheckGracefulDelete implements [rest.RESTGracefulDeleteStrategy].
func (s strategy) CheckGracefulDelete(ctx context.Context, obj runtime.Object, options *metav1.DeleteOptions) bool {
	return s.r.Grace != nil && s.r.Grace(ctx, obj, options)
}

func (strategy) WarningsOnCreate(context.Context, runtime.Object) []string { return nil }
func (strategy) WarningsOnUpdate(context.Context, runtime.Object, runtime.Object) []string {
	return nil
}
func (strategy) Canonicalize(runtime.Object)                   {}
func (s strategy) AllowCreateOnUpdate(context.Context) bool    { return s.r.CreateOnUpdate }
func (strategy) AllowUnconditionalUpdate(context.Context) bool { return true }

// GetResetFields keeps appliers of the main resource from owning the status.
func (s strategy) GetResetFields() map[fieldpath.APIVersion]*fieldpath.Set {
	if !s.r.Status {
		return nil
	}
	return s.r.resetFields("status")
}

// statusStrategy writes only the status: spec and the metadata that has a
// meaning for others stay as they are.
type statusStrategy struct{ strategy }

func (s statusStrategy) PrepareForUpdate(ctx context.Context, obj, old runtime.Object) {
	if fieldOf(obj, "Spec").IsValid() {
		copyField(obj, old, "Spec")
	}
	now, then := accessor(obj), accessor(old)
	now.SetLabels(then.GetLabels())
	now.SetOwnerReferences(then.GetOwnerReferences())
	now.SetFinalizers(then.GetFinalizers())
	now.SetGeneration(then.GetGeneration())
	if s.r.PrepareStatus != nil {
		s.r.PrepareStatus(ctx, obj, old)
	}
}

func (s statusStrategy) ValidateUpdate(ctx context.Context, obj, old runtime.Object) field.ErrorList {
	var errs field.ErrorList
	if s.r.Rules.Status != nil {
		errs = s.r.Rules.Status(obj, old)
	}
	return validation.Merge(errs, validation.DeclaredUpdate(ctx, s.Scheme.Scheme, obj, old, "status"))
}

func (statusStrategy) AllowCreateOnUpdate(context.Context) bool { return false }

// GetResetFields keeps appliers of the status from owning anything else.
func (s statusStrategy) GetResetFields() map[fieldpath.APIVersion]*fieldpath.Set {
	return s.r.resetFields("spec")
}

func (r *Resource) resetFields(name string) map[fieldpath.APIVersion]*fieldpath.Set {
	version := fieldpath.APIVersion(r.Kind.GroupVersion().String())
	return map[fieldpath.APIVersion]*fieldpath.Set{version: fieldpath.NewSet(fieldpath.MakePathOrDie(name))}
}

// accessor is the metadata of an object that is known to have some.
func accessor(obj runtime.Object) metav1.Object {
	m, err := meta.Accessor(obj)
	if err != nil {
		panic(err) // every resource's type embeds ObjectMeta
	}
	return m
}

func fieldOf(obj runtime.Object, name string) reflect.Value {
	return reflect.ValueOf(obj).Elem().FieldByName(name)
}

func clearField(obj runtime.Object, name string)     { fieldOf(obj, name).SetZero() }
func copyField(obj, old runtime.Object, name string) { fieldOf(obj, name).Set(fieldOf(old, name)) }
