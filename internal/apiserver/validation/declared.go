package validation

import (
	"context"
	"slices"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/causeway-access/causeway/internal/apiserver/validation/generated/admissionregistration"
	"github.com/causeway-access/causeway/internal/apiserver/validation/generated/apps"
	"github.com/causeway-access/causeway/internal/apiserver/validation/generated/autoscaling"
	"github.com/causeway-access/causeway/internal/apiserver/validation/generated/batch"
	"github.com/causeway-access/causeway/internal/apiserver/validation/generated/certificates"
	"github.com/causeway-access/causeway/internal/apiserver/validation/generated/core"
	"github.com/causeway-access/causeway/internal/apiserver/validation/generated/discovery"
	"github.com/causeway-access/causeway/internal/apiserver/validation/generated/networking"
	"github.com/causeway-access/causeway/internal/apiserver/validation/generated/rbac"
)

// AddToScheme registers with s the validation that k8s.io/api declares by
// tags on its types. Declared and DeclaredUpdate run it.
func AddToScheme(s *runtime.Scheme) error {
	for _, register := range []func(*runtime.Scheme) error{
		core.RegisterValidations,
		admissionregistration.RegisterValidations,
		apps.RegisterValidations,
		autoscaling.RegisterValidations,
		batch.RegisterValidations,
		certificates.RegisterValidations,
		discovery.RegisterValidations,
		networking.RegisterValidations,
		rbac.RegisterValidations,
	} {
		if err := register(s); err != nil {
			return err
		}
	}
	return nil
}

// Declared runs the declared validation of a new object. Subresources name
// the part of the object that is written, as in "status"; none means all. To
// name one that the kind does not have is an error.
func Declared(ctx context.Context, s *runtime.Scheme, obj runtime.Object, subresources ...string) field.ErrorList {
	return enforced(s.Validate(ctx, gates(), obj, subresources...))
}

// DeclaredUpdate runs the declared validation of a changed object.
func DeclaredUpdate(ctx context.Context, s *runtime.Scheme, obj, old runtime.Object, subresources ...string) field.ErrorList {
	return enforced(s.ValidateUpdate(ctx, gates(), obj, old, subresources...))
}

// Merge joins the errors of the written rules with those of the declared ones
// and drops a declared error where a written one of the same type stands at
// the same field: the two say the same thing.
func Merge(handwritten, declared field.ErrorList) field.ErrorList {
	type place struct {
		kind  field.ErrorType
		field string
	}
	seen := make(map[place]bool, len(handwritten))
	for _, err := range handwritten {
		seen[place{err.Type, err.Field}] = true
	}
	merged := slices.Clip(handwritten)
	for _, err := range declared {
		if !seen[place{err.Type, err.Field}] {
			merged = append(merged, err)
		}
	}
	return merged
}

// gates are the feature gates that the tags refer to, which must all be
// named. None of these features exists here.
func gates() map[string]bool {
	return map[string]bool{
		"HPAScaleToZero":  false,
		"WorkloadWithJob": false,
		"InPlacePodVerticalScalingSchedulerPreemption": false,
	}
}

// enforced drops what rules marked alpha found: they are on trial, and
// Kubernetes itself does not act on them.
func enforced(errs field.ErrorList) field.ErrorList {
	var kept field.ErrorList
	for _, err := range errs {
		if !err.IsAlpha() {
			kept = append(kept, err)
		}
	}
	return kept
}
