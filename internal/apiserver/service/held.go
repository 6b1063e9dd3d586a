package service

import (
	"slices"
	"strconv"

	corev1 "k8s.io/api/core/v1"
)

// held is what a service has of the two ranges.
type held struct{ addresses, ports []string }

// holdings reads from a service what it has.
func holdings(s *corev1.Service) held {
	var h held
	if needsAddress(s) {
		for _, ip := range s.Spec.ClusterIPs {
			if ip != "" && ip != corev1.ClusterIPNone {
				h.addresses = append(h.addresses, ip)
			}
		}
	}
	for _, p := range s.Spec.Ports {
		h.addPort(p.NodePort)
	}
	h.addPort(s.Spec.HealthCheckNodePort)
	return h
}

func (h *held) addPort(port int32) {
	if item := strconv.Itoa(int(port)); port != 0 && !slices.Contains(h.ports, item) {
		h.ports = append(h.ports, item)
	}
}

// has reports whether an address or a port is among them.
func (h held) has(item string) bool {
	return slices.Contains(h.addresses, item) || slices.Contains(h.ports, item)
}

// minus is what h has and other has not.
func (h held) minus(other held) held {
	left := func(a, b []string) []string {
		return slices.DeleteFunc(slices.Clone(a), func(s string) bool { return slices.Contains(b, s) })
	}
	return held{left(h.addresses, other.addresses), left(h.ports, other.ports)}
}

func needsAddress(s *corev1.Service) bool { return s.Spec.Type != corev1.ServiceTypeExternalName }

func needsNodePorts(s *corev1.Service) bool {
	switch s.Spec.Type {
	case corev1.ServiceTypeNodePort:
		return true
	case corev1.ServiceTypeLoadBalancer:
		return s.Spec.AllocateLoadBalancerNodePorts == nil || *s.Spec.AllocateLoadBalancerNodePorts
	}
	return false
}

func needsHealthCheckPort(s *corev1.Service) bool {
	return s.Spec.Type == corev1.ServiceTypeLoadBalancer && s.Spec.ExternalTrafficPolicy == corev1.ServiceExternalTrafficPolicyLocal
}

// inherit fills what an update leaves out from what is stored, so that a
// client may write back a manifest that never knew the allocations, and
// clears what the new type does not have.
func inherit(s, old *corev1.Service) {
	if needsAddress(s) && needsAddress(old) {
		if s.Spec.ClusterIP == "" && len(s.Spec.ClusterIPs) == 0 {
			s.Spec.ClusterIP, s.Spec.ClusterIPs = old.Spec.ClusterIP, old.Spec.ClusterIPs
		}
		if len(s.Spec.IPFamilies) == 0 {
			s.Spec.IPFamilies = old.Spec.IPFamilies
		}
		if s.Spec.IPFamilyPolicy == nil {
			s.Spec.IPFamilyPolicy = old.Spec.IPFamilyPolicy
		}
	}
	if needsNodePorts(s) && needsNodePorts(old) {
		inheritNodePorts(s, old)
	}
	if needsHealthCheckPort(s) && needsHealthCheckPort(old) && s.Spec.HealthCheckNodePort == 0 {
		s.Spec.HealthCheckNodePort = old.Spec.HealthCheckNodePort
	}
	dropUnneeded(s, old)
}

func inheritNodePorts(s, old *corev1.Service) {
	for i := range s.Spec.Ports {
		p := &s.Spec.Ports[i]
		if p.NodePort != 0 {
			continue
		}
		for _, then := range old.Spec.Ports {
			if then.Port == p.Port && then.Protocol == p.Protocol && !portTaken(s, then.NodePort) {
				p.NodePort = then.NodePort
			}
		}
	}
}

func portTaken(s *corev1.Service, port int32) bool {
	return slices.ContainsFunc(s.Spec.Ports, func(p corev1.ServicePort) bool { return port != 0 && p.NodePort == port })
}

// dropUnneeded clears allocations that came along from the stored object
// through a change of type; what the author set anew stays for validation.
func dropUnneeded(s, old *corev1.Service) {
	if !needsAddress(s) && needsAddress(old) && (s.Spec.ClusterIP == old.Spec.ClusterIP || s.Spec.ClusterIP == "") {
		s.Spec.ClusterIP, s.Spec.ClusterIPs, s.Spec.IPFamilies, s.Spec.IPFamilyPolicy = "", nil, nil, nil
	}
	if s.Spec.Type != corev1.ServiceTypeNodePort && s.Spec.Type != corev1.ServiceTypeLoadBalancer {
		for i := range s.Spec.Ports {
			if portTaken(old, s.Spec.Ports[i].NodePort) {
				s.Spec.Ports[i].NodePort = 0
			}
		}
		s.Spec.ExternalTrafficPolicy, s.Spec.AllocateLoadBalancerNodePorts = externalPolicy(s), nil
	}
	if !needsHealthCheckPort(s) && s.Spec.HealthCheckNodePort == old.Spec.HealthCheckNodePort {
		s.Spec.HealthCheckNodePort = 0
	}
	if s.Spec.Type != corev1.ServiceTypeLoadBalancer {
		s.Spec.AllocateLoadBalancerNodePorts = nil
		if old.Spec.Type == corev1.ServiceTypeLoadBalancer {
			s.Spec.LoadBalancerClass = nil
		}
	}
}

// externalPolicy keeps the policy of a service that is reached from outside
// by external addresses.
func externalPolicy(s *corev1.Service) corev1.ServiceExternalTrafficPolicy {
	if len(s.Spec.ExternalIPs) > 0 {
		return s.Spec.ExternalTrafficPolicy
	}
	return ""
}
