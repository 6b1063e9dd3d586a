package validation

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// replicationController checks a new replication controller.
func replicationController(rc *corev1.ReplicationController) field.ErrorList {
	errs := metadata(&rc.ObjectMeta, namespaced, subdomainName)
	p := field.NewPath("spec")
	errs = append(errs, atLeastZero(p.Child("minReadySeconds"), rc.Spec.MinReadySeconds)...)
	if len(rc.Spec.Selector) == 0 {
		errs = append(errs, field.Required(p.Child("selector"), ""))
	}
	errs = append(errs, labelMap(p.Child("selector"), rc.Spec.Selector)...)
	if rc.Spec.Replicas == nil {
		errs = append(errs, field.Required(p.Child("replicas"), ""))
	} else {
		errs = append(errs, atLeastZero(p.Child("replicas"), *rc.Spec.Replicas)...)
	}
	return append(errs, controlledTemplate(rc.Spec.Template, rc.Spec.Selector, p.Child("template"))...)
}

// controlledTemplate checks the template of pods that a controller keeps
// alive: it must find them again, and they must not end.
func controlledTemplate(t *corev1.PodTemplateSpec, selector map[string]string, p *field.Path) field.ErrorList {
	if t == nil {
		return field.ErrorList{field.Required(p, "")}
	}
	var errs field.ErrorList
	if len(selector) > 0 && !labels.SelectorFromValidatedSet(selector).Matches(labels.Set(t.Labels)) {
		errs = append(errs, field.Invalid(p.Child("metadata", "labels"), t.Labels, "`selector` does not match template `labels`"))
	}
	errs = append(errs, podTemplate(t, p)...)
	if policy := t.Spec.RestartPolicy; policy == corev1.RestartPolicyOnFailure || policy == corev1.RestartPolicyNever {
		errs = append(errs, oneOf(p.Child("spec", "restartPolicy"), policy, corev1.RestartPolicyAlways)...)
	}
	if t.Spec.ActiveDeadlineSeconds != nil {
		errs = append(errs, field.Forbidden(p.Child("spec", "activeDeadlineSeconds"), "activeDeadlineSeconds in ReplicationController is not Supported"))
	}
	return errs
}

func replicationControllerUpdate(rc, old *corev1.ReplicationController) field.ErrorList {
	errs := metadataUpdate(&rc.ObjectMeta, &old.ObjectMeta)
	return append(errs, replicationController(rc)...)
}

// replicationControllerStatus checks counts of pods, each of which counts
// some of those that an earlier one does.
func replicationControllerStatus(rc, old *corev1.ReplicationController) field.ErrorList {
	errs := metadataUpdate(&rc.ObjectMeta, &old.ObjectMeta)
	p, status := field.NewPath("status"), rc.Status
	errs = append(errs, atLeastZero(p.Child("replicas"), status.Replicas)...)
	errs = append(errs, atLeastZero(p.Child("observedGeneration"), status.ObservedGeneration)...)
	for _, c := range []struct {
		name  string
		count int32
	}{
		{"fullyLabeledReplicas", status.FullyLabeledReplicas},
		{"readyReplicas", status.ReadyReplicas},
		{"availableReplicas", status.AvailableReplicas},
	} {
		errs = append(errs, atLeastZero(p.Child(c.name), c.count)...)
		if c.count > status.Replicas {
			errs = append(errs, field.Invalid(p.Child(c.name), c.count, "cannot be greater than status.replicas"))
		}
	}
	if status.AvailableReplicas > status.ReadyReplicas {
		errs = append(errs, field.Invalid(p.Child("availableReplicas"), status.AvailableReplicas, "cannot be greater than readyReplicas"))
	}
	return errs
}
