package registry

import (
	"context"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
)

// Check compares an object with the stored one.
type Check func(obj, old runtime.Object) field.ErrorList

// viewStrategy writes by the rules of a [ViewConfig].
type viewStrategy struct {
	strategy
	config ViewConfig
}

func (s viewStrategy) PrepareForUpdate(ctx context.Context, obj, old runtime.Object) {
	if s.config.Prepare != nil {
		s.config.Prepare(ctx, obj, old)
	}
}

func (s viewStrategy) ValidateUpdate(_ context.Context, obj, old runtime.Object) field.ErrorList {
	if s.config.Validate == nil {
		return nil
	}
	return s.config.Validate(obj, old)
}

func (viewStrategy) AllowCreateOnUpdate(context.Context) bool { return false }

func (s viewStrategy) GetResetFields() map[fieldpath.APIVersion]*fieldpath.Set {
	if s.config.Resets == "" {
		return nil
	}
	return s.r.resetFields(s.config.Resets)
}
