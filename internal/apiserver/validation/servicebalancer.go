package validation

import (
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// balancerFields checks what is said to the load balancer, if there is one.
func balancerFields(s *corev1.Service) field.ErrorList {
	spec := field.NewPath("spec")
	errs := sourceRanges(s)
	nodePorts := spec.Child("allocateLoadBalancerNodePorts")
	class := spec.Child("loadBalancerClass")
	if isBalanced(s) {
		if s.Spec.AllocateLoadBalancerNodePorts == nil {
			errs = append(errs, field.Required(nodePorts, ""))
		}
		return append(errs, qualifiedIfSet(class, s.Spec.LoadBalancerClass)...)
	}
	if s.Spec.AllocateLoadBalancerNodePorts != nil {
		errs = append(errs, field.Forbidden(nodePorts, onlyBalanced))
	}
	if s.Spec.LoadBalancerClass != nil {
		errs = append(errs, field.Forbidden(class, onlyBalanced))
	}
	return errs
}

// sourceRanges checks the networks let in, in the field or, as before it
// existed, in an annotation.
func sourceRanges(s *corev1.Service) field.ErrorList {
	var errs field.ErrorList
	if len(s.Spec.LoadBalancerSourceRanges) > 0 {
		p := field.NewPath("spec", "loadBalancerSourceRanges")
		if !isBalanced(s) {
			errs = append(errs, field.Forbidden(p, onlyBalanced))
		}
		for i, cidr := range s.Spec.LoadBalancerSourceRanges {
			errs = append(errs, validation.IsValidCIDR(p.Index(i), strings.TrimSpace(cidr))...)
		}
		return errs
	}
	value, ok := s.Annotations[corev1.AnnotationLoadBalancerSourceRangesKey]
	if !ok {
		return nil
	}
	p := field.NewPath("metadata", "annotations").Key(corev1.AnnotationLoadBalancerSourceRangesKey)
	if !isBalanced(s) {
		errs = append(errs, field.Forbidden(p, onlyBalanced))
	}
	if strings.TrimSpace(value) == "" {
		return errs
	}
	for _, cidr := range strings.Split(value, ",") {
		if len(validation.IsValidCIDR(p, strings.TrimSpace(cidr))) > 0 {
			return append(errs, field.Invalid(p, value, "must be a list of IP ranges. For example, 10.240.0.0/24,10.250.0.0/24"))
		}
	}
	return errs
}

// trafficPolicies checks which endpoints traffic may go to.
func trafficPolicies(s *corev1.ServiceSpec) field.ErrorList {
	spec := field.NewPath("spec")
	errs := externalPolicy(s)
	internal := spec.Child("internalTrafficPolicy")
	if s.InternalTrafficPolicy == nil && s.Type != corev1.ServiceTypeExternalName && s.Type != "" {
		errs = append(errs, field.Required(internal, ""))
	}
	errs = append(errs, oneOfIfSet(internal, s.InternalTrafficPolicy,
		corev1.ServiceInternalTrafficPolicyCluster, corev1.ServiceInternalTrafficPolicyLocal)...)
	return append(errs, oneOfIfSet(spec.Child("trafficDistribution"), s.TrafficDistribution,
		corev1.ServiceTrafficDistributionPreferClose, corev1.ServiceTrafficDistributionPreferSameNode,
		corev1.ServiceTrafficDistributionPreferSameZone)...)
}

func externalPolicy(s *corev1.ServiceSpec) field.ErrorList {
	p := field.NewPath("spec", "externalTrafficPolicy")
	health := field.NewPath("spec", "healthCheckNodePort")
	external := s.Type == corev1.ServiceTypeLoadBalancer || s.Type == corev1.ServiceTypeNodePort ||
		(s.Type == corev1.ServiceTypeClusterIP && len(s.ExternalIPs) > 0)
	var errs field.ErrorList
	switch {
	case external:
		errs = oneOf(p, s.ExternalTrafficPolicy, corev1.ServiceExternalTrafficPolicyCluster, corev1.ServiceExternalTrafficPolicyLocal)
	case s.ExternalTrafficPolicy != "":
		errs = field.ErrorList{field.Invalid(p, s.ExternalTrafficPolicy, "may only be set for externally-accessible services")}
	}
	checked := s.Type == corev1.ServiceTypeLoadBalancer && s.ExternalTrafficPolicy == corev1.ServiceExternalTrafficPolicyLocal
	switch {
	case s.HealthCheckNodePort == 0: // allotted when it is needed
	case checked:
		errs = append(errs, invalidIf(health, s.HealthCheckNodePort, validation.IsValidPortNum(int(s.HealthCheckNodePort)))...)
	default:
		errs = append(errs, field.Invalid(health, s.HealthCheckNodePort,
			"may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'"))
	}
	return errs
}

func serviceStatus(s, old *corev1.Service) field.ErrorList {
	errs := metadataUpdate(&s.ObjectMeta, &old.ObjectMeta)
	p := field.NewPath("status", "loadBalancer", "ingress")
	if s.Spec.Type != corev1.ServiceTypeLoadBalancer && len(s.Status.LoadBalancer.Ingress) > 0 {
		return append(errs, field.Forbidden(p, "may only be used when `spec.type` is LoadBalancer"))
	}
	for i, in := range s.Status.LoadBalancer.Ingress {
		errs = append(errs, balancerIngress(p.Index(i), in)...)
	}
	return errs
}

// balancerIngress checks one way in that a balancer has reported.
func balancerIngress(p *field.Path, in corev1.LoadBalancerIngress) field.ErrorList {
	var errs field.ErrorList
	if in.IP != "" {
		errs = append(errs, ipAddress(p.Child("ip"), in.IP)...)
	}
	if in.IP == "" && in.IPMode != nil {
		errs = append(errs, field.Forbidden(p.Child("ipMode"), "may not be specified when `ip` is not set"))
	}
	errs = append(errs, oneOfIfSet(p.Child("ipMode"), in.IPMode, corev1.LoadBalancerIPModeProxy, corev1.LoadBalancerIPModeVIP)...)
	if in.Hostname != "" {
		errs = append(errs, hostName(p.Child("hostname"), in.Hostname)...)
	}
	for i, port := range in.Ports {
		p := p.Child("ports").Index(i)
		errs = append(errs, invalidIf(p.Child("port"), port.Port, validation.IsValidPortNum(int(port.Port)))...)
		errs = append(errs, protocol(p.Child("protocol"), port.Protocol)...)
		if port.Error != nil && len(*port.Error) > maxPortError {
			errs = append(errs, field.TooLong(p.Child("error"), "", maxPortError))
		}
	}
	return errs
}

// maxPortError bounds what a balancer can write into a status.
const maxPortError = 316
