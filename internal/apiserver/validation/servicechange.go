package validation

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// clusterIPChange lets a service gain or lose its second address, and change
// all of them on the way to or from ExternalName; clients hold the rest.
func clusterIPChange(s, old *corev1.Service) field.ErrorList {
	if isExternalName(s) || isExternalName(old) || (isHeadless(s) && isHeadless(old)) {
		return nil
	}
	p := field.NewPath("spec", "clusterIPs")
	return listChange(p, "clusterIP", s.Spec.ClusterIPs, old.Spec.ClusterIPs, s.Spec.IPFamilyPolicy)
}

// familyChange is the same for the families of the addresses.
func familyChange(s, old *corev1.Service) field.ErrorList {
	if isExternalName(s) || isExternalName(old) {
		return nil
	}
	p := field.NewPath("spec", "ipFamilies")
	return listChange(p, "ipFamily", s.Spec.IPFamilies, old.Spec.IPFamilies, s.Spec.IPFamilyPolicy)
}

func isExternalName(s *corev1.Service) bool { return s.Spec.Type == corev1.ServiceTypeExternalName }

// listChange compares lists whose first member is primary. A member may be
// added; the second may be released by asking for a single stack.
func listChange[T ~string](p *field.Path, what string, now, old []T, policy *corev1.IPFamilyPolicy) field.ErrorList {
	var errs field.ErrorList
	for i := range min(len(now), len(old)) {
		if now[i] != old[i] {
			errs = append(errs, field.Invalid(p.Index(i), now, "may not change once set"))
		}
	}
	switch {
	case len(old) == 0 || len(now) >= len(old):
	case len(now) == 0:
		errs = append(errs, field.Invalid(p.Index(0), now, fmt.Sprintf("primary %s can not be unset", what)))
	case deref(policy) != corev1.IPFamilyPolicySingleStack:
		errs = append(errs, field.Invalid(field.NewPath("spec", "ipFamilyPolicy"), deref(policy),
			fmt.Sprintf("must be set to 'SingleStack' when releasing the secondary %s", what)))
	}
	return errs
}
