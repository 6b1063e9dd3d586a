package validation

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// controlledTemplate checks the template of pods that a controller keeps
// alive: it must find them again, and they must not end.
func controlledTemplate(t *corev1.PodTemplateSpec, selector labels.Selector, kind string, p *field.Path) field.ErrorList {
	var errs field.ErrorList
	if !selector.Empty() && !selector.Matches(labels.Set(t.Labels)) {
		errs = append(errs, field.Invalid(p.Child("metadata", "labels"), t.Labels, "`selector` does not match template `labels`"))
	}
	errs = append(errs, podTemplate(t, p)...)
	if policy := t.Spec.RestartPolicy; policy == corev1.RestartPolicyOnFailure || policy == corev1.RestartPolicyNever {
		errs = append(errs, oneOf(p.Child("spec", "restartPolicy"), policy, corev1.RestartPolicyAlways)...)
	}
	if t.Spec.ActiveDeadlineSeconds != nil {
		errs = append(errs, field.Forbidden(p.Child("spec", "activeDeadlineSeconds"), "activeDeadlineSeconds in "+kind+" is not Supported"))
	}
	return errs
}

// count is a number of pods in a status, by the name of its field.
type count struct {
	name  string
	count int32
}

// partsOf checks numbers of pods, each of which counts some of all.
func partsOf(all int32, p *field.Path, parts []count) field.ErrorList {
	var errs field.ErrorList
	for _, c := range parts {
		errs = append(errs, atLeastZero(p.Child(c.name), c.count)...)
		if c.count > all {
			errs = append(errs, field.Invalid(p.Child(c.name), c.count, "cannot be greater than status.replicas"))
		}
	}
	return errs
}

// availableAreReady checks that no pod is available without being ready.
func availableAreReady(available, ready int32, p *field.Path) field.ErrorList {
	if available <= ready {
		return nil
	}
	return field.ErrorList{field.Invalid(p.Child("availableReplicas"), available, "cannot be greater than readyReplicas")}
}
