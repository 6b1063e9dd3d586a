package validation

import (
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1validation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// binding checks the assignment of a pod to a node.
func binding(b *corev1.Binding) field.ErrorList {
	var errs field.ErrorList
	p := field.NewPath("target")
	if b.Target.Kind != "" && b.Target.Kind != "Node" {
		errs = append(errs, field.NotSupported(p.Child("kind"), b.Target.Kind, []string{"Node", "<empty>"}))
	}
	return append(errs, named(p.Child("name"), b.Target.Name, whole(subdomainName))...)
}

// eviction checks the request to end a pod, if its budget allows.
func eviction(e *policyv1.Eviction) field.ErrorList {
	if e.DeleteOptions == nil {
		return nil
	}
	return metav1validation.ValidateDeleteOptions(e.DeleteOptions)
}

// scale checks a write to the scale of a controller.
func scale(s *autoscalingv1.Scale) field.ErrorList {
	errs := metadata(&s.ObjectMeta, namespaced, subdomainName)
	return append(errs, atLeastZero(field.NewPath("spec", "replicas"), s.Spec.Replicas)...)
}

func scaleUpdate(s, _ *autoscalingv1.Scale) field.ErrorList { return scale(s) }
