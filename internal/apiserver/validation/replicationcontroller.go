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
	if rc.Spec.Template == nil {
		return append(errs, field.Required(p.Child("template"), ""))
	}
	selector := labels.SelectorFromValidatedSet(rc.Spec.Selector)
	return append(errs, controlledTemplate(rc.Spec.Template, selector, "ReplicationController", p.Child("template"))...)
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
	errs = append(errs, partsOf(status.Replicas, p, []count{
		{"fullyLabeledReplicas", status.FullyLabeledReplicas},
		{"readyReplicas", status.ReadyReplicas},
		{"availableReplicas", status.AvailableReplicas},
	})...)
	return append(errs, availableAreReady(status.AvailableReplicas, status.ReadyReplicas, p)...)
}
