package validation

import (
	"strconv"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// podAnnotations checks the annotations that something acts on.
func podAnnotations(pod *corev1.Pod) field.ErrorList {
	var errs field.ErrorList
	p := field.NewPath("metadata", "annotations")
	if value, ok := pod.Annotations[corev1.MirrorPodAnnotationKey]; ok && pod.Spec.NodeName == "" {
		errs = append(errs, field.Invalid(p.Key(corev1.MirrorPodAnnotationKey), value, "must set spec.nodeName if mirror pod annotation is set"))
	}
	if value, ok := pod.Annotations[corev1.PodDeletionCost]; ok && !isDeletionCost(value) {
		errs = append(errs, field.Invalid(p.Key(corev1.PodDeletionCost), value, "must be a 32bit integer"))
	}
	return errs
}

// isDeletionCost accepts integers in their one shortest form.
func isDeletionCost(value string) bool {
	n, err := strconv.ParseInt(value, 10, 32)
	return err == nil && strconv.FormatInt(n, 10) == value
}
