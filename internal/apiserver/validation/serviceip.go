package validation

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// serviceIPs checks the cluster IPs and families against each other. What a
// service asks for may be less than what it gets: empty fields are allotted.
func serviceIPs(s *corev1.Service) field.ErrorList {
	if s.Spec.Type == corev1.ServiceTypeExternalName {
		return nil // has none of these, as externalName has checked
	}
	spec := field.NewPath("spec")
	errs := ipFamilies(&s.Spec)
	errs = append(errs, firstClusterIP(spec.Child("clusterIPs"), &s.Spec)...)
	bad := clusterIPs(spec.Child("clusterIPs"), s.Spec.ClusterIPs)
	if len(bad) > 0 {
		return append(errs, bad...)
	}
	return append(errs, familyOfIPs(spec.Child("clusterIPs"), &s.Spec)...)
}

func ipFamilies(s *corev1.ServiceSpec) field.ErrorList {
	spec := field.NewPath("spec")
	var errs field.ErrorList
	seen := map[corev1.IPFamily]bool{}
	for i, family := range s.IPFamilies {
		p := spec.Child("ipFamilies").Index(i)
		errs = append(errs, oneOfIfSet(p, &family, corev1.IPv4Protocol, corev1.IPv6Protocol)...)
		errs = append(errs, unique(p, family, seen)...)
	}
	return append(errs, oneOfIfSet(spec.Child("ipFamilyPolicy"), s.IPFamilyPolicy, corev1.IPFamilyPolicyPreferDualStack,
		corev1.IPFamilyPolicyRequireDualStack, corev1.IPFamilyPolicySingleStack)...)
}

// firstClusterIP requires that the older singular field and the list agree.
func firstClusterIP(p *field.Path, s *corev1.ServiceSpec) field.ErrorList {
	switch {
	case len(s.ClusterIPs) == 0:
		return nil
	case s.ClusterIP == "":
		return field.ErrorList{field.Invalid(p, s.ClusterIPs, "must be empty when `clusterIP` is not specified")}
	case s.ClusterIP != s.ClusterIPs[0]:
		return field.ErrorList{field.Invalid(p, s.ClusterIPs, "first value must match `clusterIP`")}
	}
	return nil
}

// clusterIPs are 'None', or an address, or one of each family.
func clusterIPs(p *field.Path, list []string) field.ErrorList {
	var errs field.ErrorList
	families := map[bool]int{}
	for i, ip := range list {
		if i == 0 && ip == corev1.ClusterIPNone {
			if len(list) > 1 {
				errs = append(errs, field.Invalid(p, list, "'None' must be the first and only value"))
			}
			continue
		}
		errs = append(errs, ipAddress(p.Index(i), ip)...)
		families[isIPv6(ip)]++
	}
	if len(list) > 2 {
		errs = append(errs, field.Invalid(p, list, "may only hold up to 2 values"))
	}
	if len(errs) == 0 && (families[true] > 1 || families[false] > 1) {
		errs = append(errs, field.Invalid(p, list, "may specify no more than one IP for each IP family"))
	}
	return errs
}

func familyOfIPs(p *field.Path, s *corev1.ServiceSpec) field.ErrorList {
	var errs field.ErrorList
	for i, ip := range s.ClusterIPs {
		if i >= len(s.IPFamilies) || ip == corev1.ClusterIPNone {
			break
		}
		family := s.IPFamilies[i]
		if (family == corev1.IPv4Protocol && isIPv6(ip)) || (family == corev1.IPv6Protocol && !isIPv6(ip)) {
			errs = append(errs, field.Invalid(p.Index(i), ip, fmt.Sprintf("expected an %s value as indicated by `ipFamilies[%d]`", family, i)))
		}
	}
	return errs
}

func externalIPs(s *corev1.ServiceSpec) field.ErrorList {
	var errs field.ErrorList
	for i, ip := range s.ExternalIPs {
		errs = append(errs, routableIP(field.NewPath("spec", "externalIPs").Index(i), ip)...)
	}
	return errs
}
