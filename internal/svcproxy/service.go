package svcproxy

import (
	"net/netip"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// otherProxy is the label of services which are left to another proxy.
const otherProxy = "service.kubernetes.io/service-proxy-name"

// service is what is needed of a Service.
type service struct {
	addrs    []netip.Addr // cluster IPs; none means no rules
	ports    []servicePort
	affinity time.Duration
	local    bool // internalTrafficPolicy Local
	nodeOnly bool // externalTrafficPolicy Local
	unready  bool // publishNotReadyAddresses
}

type servicePort struct {
	name     string
	protocol corev1.Protocol
	number   uint16
	node     uint16 // node port, 0 if it has none
}

// serviceOf reads a Service.
func serviceOf(s *corev1.Service) *service {
	out := &service{
		addrs:    clusterIPs(s),
		affinity: affinityOf(&s.Spec),
		local:    s.Spec.InternalTrafficPolicy != nil && *s.Spec.InternalTrafficPolicy == corev1.ServiceInternalTrafficPolicyLocal,
		nodeOnly: s.Spec.ExternalTrafficPolicy == corev1.ServiceExternalTrafficPolicyLocal,
		unready:  s.Spec.PublishNotReadyAddresses,
	}
	for _, p := range s.Spec.Ports {
		if p.Port < 1 || p.Port > 65535 {
			continue
		}
		port := servicePort{name: p.Name, protocol: protocolOf(p.Protocol), number: uint16(p.Port)}
		if hasNodePorts(s) && p.NodePort > 0 && p.NodePort <= 65535 {
			port.node = uint16(p.NodePort)
		}
		out.ports = append(out.ports, port)
	}
	return out
}

// clusterIPs returns the addresses for which there are to be rules.
func clusterIPs(s *corev1.Service) []netip.Addr {
	if s.Spec.Type == corev1.ServiceTypeExternalName || s.Labels[otherProxy] != "" {
		return nil
	}
	texts := s.Spec.ClusterIPs
	if len(texts) == 0 {
		texts = []string{s.Spec.ClusterIP}
	}
	var addrs []netip.Addr
	for _, text := range texts {
		if a, err := netip.ParseAddr(text); err == nil && !a.IsUnspecified() { // else it is headless, or has none yet
			addrs = append(addrs, a.Unmap())
		}
	}
	return addrs
}

func hasNodePorts(s *corev1.Service) bool {
	return s.Spec.Type == corev1.ServiceTypeNodePort || s.Spec.Type == corev1.ServiceTypeLoadBalancer
}

func affinityOf(spec *corev1.ServiceSpec) time.Duration {
	if spec.SessionAffinity != corev1.ServiceAffinityClientIP {
		return 0
	}
	seconds := corev1.DefaultClientIPServiceAffinitySeconds
	if cfg := spec.SessionAffinityConfig; cfg != nil && cfg.ClientIP != nil && cfg.ClientIP.TimeoutSeconds != nil {
		seconds = *cfg.ClientIP.TimeoutSeconds
	}
	return time.Duration(seconds) * time.Second
}

func protocolOf(p corev1.Protocol) corev1.Protocol {
	if p == "" {
		return corev1.ProtocolTCP
	}
	return p
}
