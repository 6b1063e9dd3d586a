package validation

import (
	"math"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// checkLife checks when the pod's containers are started again and ended.
func (s podScope) checkLife(p *field.Path) field.ErrorList {
	errs := oneOf(p.Child("restartPolicy"), s.spec.RestartPolicy,
		corev1.RestartPolicyAlways, corev1.RestartPolicyOnFailure, corev1.RestartPolicyNever)
	if t := s.spec.TerminationGracePeriodSeconds; t != nil {
		errs = append(errs, atLeastZero(p.Child("terminationGracePeriodSeconds"), *t)...)
	}
	if t := s.spec.ActiveDeadlineSeconds; t != nil && (*t < 1 || *t > math.MaxInt32) {
		errs = append(errs, field.Invalid(p.Child("activeDeadlineSeconds"), *t, validation.InclusiveRangeError(1, math.MaxInt32)))
	}
	for i, gate := range s.spec.ReadinessGates {
		at := p.Child("readinessGates").Index(i).Child("conditionType")
		errs = append(errs, qualified(at, string(gate.ConditionType))...)
	}
	return errs
}

// checkIdentity checks the names of what the pod acts as and is run by.
func (s podScope) checkIdentity(p *field.Path) field.ErrorList {
	subdomain := whole(subdomainName)
	errs := namedIfSet(p.Child("serviceAccountName"), s.spec.ServiceAccountName, subdomain)
	errs = append(errs, namedIfSet(p.Child("nodeName"), s.spec.NodeName, subdomain)...)
	errs = append(errs, namedIfSet(p.Child("priorityClassName"), s.spec.PriorityClassName, subdomain)...)
	if s.spec.RuntimeClassName != nil {
		errs = append(errs, invalidIf(p.Child("runtimeClassName"), *s.spec.RuntimeClassName, subdomain(*s.spec.RuntimeClassName))...)
	}
	errs = append(errs, oneOfIfSet(p.Child("preemptionPolicy"), s.spec.PreemptionPolicy, corev1.PreemptLowerPriority, corev1.PreemptNever)...)
	for i, ref := range s.spec.ImagePullSecrets {
		errs = append(errs, present(p.Child("imagePullSecrets").Index(i).Child("name"), ref.Name)...)
	}
	return errs
}

// checkHostSharing refuses to share with the host, or not to share, two
// things that depend on each other.
func (s podScope) checkHostSharing(p *field.Path) field.ErrorList {
	var errs field.ErrorList
	if share := s.spec.ShareProcessNamespace; share != nil && *share && s.spec.HostPID {
		errs = append(errs, field.Invalid(p.Child("shareProcessNamespace"), *share, "ShareProcessNamespace and HostPID cannot both be enabled"))
	}
	if s.spec.HostUsers == nil || *s.spec.HostUsers {
		return errs
	}
	for _, f := range []struct {
		name string
		set  bool
	}{{"hostNetwork", s.spec.HostNetwork}, {"hostPID", s.spec.HostPID}, {"hostIPC", s.spec.HostIPC}} {
		if f.set {
			errs = append(errs, field.Forbidden(p.Child(f.name), "when `hostUsers` is false"))
		}
	}
	return errs
}

// checkPodClaims checks the claims of devices, each by name or by template,
// and returns the names they have within the pod.
func checkPodClaims(claims []corev1.PodResourceClaim, p *field.Path) (map[string]bool, field.ErrorList) {
	var errs field.ErrorList
	names := map[string]bool{}
	for i, claim := range claims {
		at := p.Index(i)
		errs = append(errs, unique(at.Child("name"), claim.Name, names)...)
		errs = append(errs, named(at.Child("name"), claim.Name, validation.IsDNS1123Label)...)
		switch {
		case claim.ResourceClaimName != nil && claim.ResourceClaimTemplateName != nil:
			errs = append(errs, field.Invalid(at, claim, "at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified"))
		case claim.ResourceClaimName != nil:
			errs = append(errs, named(at.Child("resourceClaimName"), *claim.ResourceClaimName, whole(subdomainName))...)
		case claim.ResourceClaimTemplateName != nil:
			errs = append(errs, named(at.Child("resourceClaimTemplateName"), *claim.ResourceClaimTemplateName, whole(subdomainName))...)
		default:
			errs = append(errs, field.Invalid(at, claim, "must specify one of: `resourceClaimName`, `resourceClaimTemplateName`"))
		}
	}
	return names, errs
}

// checkOS checks the operating system the pod says it is for, and refuses
// what that one does not have.
func (s podScope) checkOS(p *field.Path) field.ErrorList {
	if s.spec.OS == nil {
		return nil
	}
	errs := oneOf(p.Child("os", "name"), s.spec.OS.Name, corev1.Linux, corev1.Windows)
	if s.spec.OS.Name != corev1.Windows {
		return errs
	}
	forbid := func(set bool, path *field.Path) {
		if set {
			errs = append(errs, field.Forbidden(path, "cannot be set for a windows pod"))
		}
	}
	forbid(s.spec.HostPID, p.Child("hostPID"))
	forbid(s.spec.HostIPC, p.Child("hostIPC"))
	forbid(s.spec.ShareProcessNamespace != nil, p.Child("shareProcessNamespace"))
	if sc := s.spec.SecurityContext; sc != nil {
		p := p.Child("securityContext")
		forbid(sc.SELinuxOptions != nil, p.Child("seLinuxOptions"))
		forbid(sc.SeccompProfile != nil, p.Child("seccompProfile"))
		forbid(sc.AppArmorProfile != nil, p.Child("appArmorProfile"))
		forbid(sc.FSGroup != nil, p.Child("fsGroup"))
		forbid(sc.FSGroupChangePolicy != nil, p.Child("fsGroupChangePolicy"))
		forbid(len(sc.Sysctls) > 0, p.Child("sysctls"))
		forbid(sc.RunAsUser != nil, p.Child("runAsUser"))
		forbid(sc.RunAsGroup != nil, p.Child("runAsGroup"))
		forbid(sc.SupplementalGroups != nil, p.Child("supplementalGroups"))
	}
	return errs
}
