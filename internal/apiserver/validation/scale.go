package validation

import (
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// Scale checks a write to the scale subresource of a controller.
func Scale(s *autoscalingv1.Scale) field.ErrorList {
	errs := metadata(&s.ObjectMeta, namespaced, subdomainName)
	return append(errs, atLeastZero(field.NewPath("spec", "replicas"), s.Spec.Replicas)...)
}
