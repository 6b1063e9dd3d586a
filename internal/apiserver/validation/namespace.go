package validation

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

func namespace(n *corev1.Namespace) field.ErrorList {
	errs := metadata(&n.ObjectMeta, clusterScoped, apivalidation.NameIsDNSLabel)
	return append(errs, finalizers(n)...)
}

func namespaceUpdate(n, old *corev1.Namespace) field.ErrorList {
	return metadataUpdate(&n.ObjectMeta, &old.ObjectMeta)
}

// namespaceStatus ties the phase to the deletion.
func namespaceStatus(n, old *corev1.Namespace) field.ErrorList {
	errs := metadataUpdate(&n.ObjectMeta, &old.ObjectMeta)
	p := field.NewPath("status", "phase")
	switch deleted := !n.DeletionTimestamp.IsZero(); {
	case !deleted && n.Status.Phase != corev1.NamespaceActive:
		return append(errs, field.Invalid(p, n.Status.Phase, "may only be 'Active' if `deletionTimestamp` is empty"))
	case deleted && n.Status.Phase != corev1.NamespaceTerminating:
		return append(errs, field.Invalid(p, n.Status.Phase, "may only be 'Terminating' if `deletionTimestamp` is not empty"))
	}
	return errs
}

// NamespaceFinalizeUpdate checks a write to the finalize subresource.
func NamespaceFinalizeUpdate(n, old *corev1.Namespace) field.ErrorList {
	return append(metadataUpdate(&n.ObjectMeta, &old.ObjectMeta), finalizers(n)...)
}

// finalizers checks the names in the spec: Kubernetes' own, or with a domain.
func finalizers(n *corev1.Namespace) field.ErrorList {
	standard := []string{string(corev1.FinalizerKubernetes), metav1.FinalizerOrphanDependents, metav1.FinalizerDeleteDependents}
	var errs field.ErrorList
	for i, f := range n.Spec.Finalizers {
		p := field.NewPath("spec", "finalizers").Index(i)
		name := string(f)
		errs = append(errs, apivalidation.ValidateFinalizerName(name, p)...)
		if !strings.Contains(name, "/") && !slices.Contains(standard, name) {
			errs = append(errs, field.Invalid(p, name, "name is neither a standard finalizer name nor is it fully qualified"))
		}
	}
	return errs
}
