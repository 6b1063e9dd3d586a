package validation

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// maxAffinitySeconds is a day, the longest a client can be kept at one pod.
const maxAffinitySeconds = 86400

// onlyBalanced is said of fields of load balancers on other services.
const onlyBalanced = "may only be used when `type` is 'LoadBalancer'"

func service(s *corev1.Service) field.ErrorList {
	errs := metadata(&s.ObjectMeta, namespaced, apivalidation.NameIsDNS1035Label)
	errs = append(errs, serviceType(s)...)
	errs = append(errs, servicePorts(s)...)
	errs = append(errs, labelMap(field.NewPath("spec", "selector"), s.Spec.Selector)...)
	errs = append(errs, sessionAffinity(&s.Spec)...)
	errs = append(errs, serviceIPs(s)...)
	errs = append(errs, externalIPs(&s.Spec)...)
	errs = append(errs, balancerFields(s)...)
	return append(errs, trafficPolicies(&s.Spec)...)
}

func serviceUpdate(s, old *corev1.Service) field.ErrorList {
	errs := metadataUpdate(&s.ObjectMeta, &old.ObjectMeta)
	errs = append(errs, clusterIPChange(s, old)...)
	errs = append(errs, familyChange(s, old)...)
	if isBalanced(s) && isBalanced(old) {
		now, then := s.Spec.LoadBalancerClass, old.Spec.LoadBalancerClass
		if (now == nil) != (then == nil) || deref(now) != deref(then) {
			errs = append(errs, field.Invalid(field.NewPath("spec", "loadBalancerClass"), now, "may not change once set"))
		}
	}
	return append(errs, service(s)...)
}

func isBalanced(s *corev1.Service) bool { return s.Spec.Type == corev1.ServiceTypeLoadBalancer }

// isHeadless tells whether a service asks for no cluster IP.
func isHeadless(s *corev1.Service) bool {
	if len(s.Spec.ClusterIPs) > 0 {
		return len(s.Spec.ClusterIPs) == 1 && s.Spec.ClusterIPs[0] == corev1.ClusterIPNone
	}
	return s.Spec.ClusterIP == corev1.ClusterIPNone
}

// serviceType checks the type, and what must or must not stand beside it.
func serviceType(s *corev1.Service) field.ErrorList {
	spec := field.NewPath("spec")
	errs := oneOf(spec.Child("type"), s.Spec.Type, corev1.ServiceTypeClusterIP, corev1.ServiceTypeExternalName,
		corev1.ServiceTypeLoadBalancer, corev1.ServiceTypeNodePort)
	switch s.Spec.Type {
	case corev1.ServiceTypeExternalName:
		return append(errs, externalName(&s.Spec)...)
	case corev1.ServiceTypeLoadBalancer, corev1.ServiceTypeNodePort:
		if isHeadless(s) {
			errs = append(errs, field.Invalid(spec.Child("clusterIPs").Index(0), corev1.ClusterIPNone,
				fmt.Sprintf("may not be set to 'None' for %s services", s.Spec.Type)))
		}
	}
	return errs
}

// externalName requires a name, which is all such a service has.
func externalName(s *corev1.ServiceSpec) field.ErrorList {
	const forbidden = "may not be set for ExternalName services"
	spec := field.NewPath("spec")
	var errs field.ErrorList
	if len(s.ClusterIPs) > 0 || s.ClusterIP != "" {
		errs = append(errs, field.Forbidden(spec.Child("clusterIPs"), forbidden))
	}
	if len(s.IPFamilies) > 0 {
		errs = append(errs, field.Forbidden(spec.Child("ipFamilies"), forbidden))
	}
	if s.IPFamilyPolicy != nil {
		errs = append(errs, field.Forbidden(spec.Child("ipFamilyPolicy"), forbidden))
	}
	name := strings.TrimSuffix(s.ExternalName, ".") // a dot says: fully qualified
	return append(errs, named(spec.Child("externalName"), name, validation.IsDNS1123Subdomain)...)
}

func sessionAffinity(s *corev1.ServiceSpec) field.ErrorList {
	spec := field.NewPath("spec")
	errs := oneOf(spec.Child("sessionAffinity"), s.SessionAffinity, corev1.ServiceAffinityClientIP, corev1.ServiceAffinityNone)
	config := spec.Child("sessionAffinityConfig")
	switch s.SessionAffinity {
	case corev1.ServiceAffinityClientIP:
		return append(errs, clientIPAffinity(config, s.SessionAffinityConfig)...)
	case corev1.ServiceAffinityNone:
		if s.SessionAffinityConfig != nil {
			errs = append(errs, field.Forbidden(config, "must not be set when session affinity is None"))
		}
	}
	return errs
}

func clientIPAffinity(p *field.Path, c *corev1.SessionAffinityConfig) field.ErrorList {
	const when = "when session affinity type is ClientIP"
	timeout := p.Child("clientIP", "timeoutSeconds")
	switch {
	case c == nil:
		return field.ErrorList{field.Required(p, when)}
	case c.ClientIP == nil:
		return field.ErrorList{field.Required(p.Child("clientIP"), when)}
	case c.ClientIP.TimeoutSeconds == nil:
		return field.ErrorList{field.Required(timeout, when)}
	}
	if seconds := *c.ClientIP.TimeoutSeconds; seconds <= 0 || seconds > maxAffinitySeconds {
		return field.ErrorList{field.Invalid(timeout, seconds, fmt.Sprintf("must be greater than 0 and less than %d", maxAffinitySeconds))}
	}
	return nil
}
