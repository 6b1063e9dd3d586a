package printers

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// services shows where a service is reached.
func services() view {
	doc := corev1.ServiceSpec{}.SwaggerDoc()
	return viewOf(columns(
		nameColumn(),
		text("Type", doc["type"]),
		text("Cluster-IP", doc["clusterIP"]),
		text("External-IP", doc["externalIPs"]),
		text("Port(s)", doc["ports"]),
		ageColumn(),
		wide(text("Selector", doc["selector"])),
	), func(s *corev1.Service) []any {
		return []any{
			s.Name, string(s.Spec.Type), clusterIP(s), externalIP(s), servicePorts(s.Spec.Ports),
			age(s.CreationTimestamp), formatLabels(s.Spec.Selector),
		}
	})
}

func clusterIP(s *corev1.Service) string {
	if len(s.Spec.ClusterIPs) > 0 {
		return s.Spec.ClusterIPs[0]
	}
	return or(s.Spec.ClusterIP, none)
}

func externalIP(s *corev1.Service) string {
	switch s.Spec.Type {
	case corev1.ServiceTypeClusterIP, corev1.ServiceTypeNodePort:
		return or(strings.Join(s.Spec.ExternalIPs, ","), none)
	case corev1.ServiceTypeLoadBalancer:
		all := slices.Concat(balancerAddresses(s), s.Spec.ExternalIPs)
		return or(strings.Join(all, ","), pending)
	case corev1.ServiceTypeExternalName:
		return s.Spec.ExternalName
	default:
		return unknown
	}
}

func balancerAddresses(s *corev1.Service) []string {
	var list []string
	for _, in := range s.Status.LoadBalancer.Ingress {
		if a := or(in.IP, in.Hostname); a != "" {
			list = append(list, a)
		}
	}
	return sortedUnique(list)
}

func servicePorts(ports []corev1.ServicePort) string {
	var list []string
	for _, p := range ports {
		if p.NodePort > 0 {
			list = append(list, fmt.Sprintf("%d:%d/%s", p.Port, p.NodePort, p.Protocol))
			continue
		}
		list = append(list, fmt.Sprintf("%d/%s", p.Port, p.Protocol))
	}
	return or(strings.Join(list, ","), none)
}

// formatLabels writes a map of labels as a selector, in order.
func formatLabels(set map[string]string) string {
	return or(labels.Set(set).String(), none)
}
