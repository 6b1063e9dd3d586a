package validation

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// checkPorts checks the ports a container exposes.
func (s podScope) checkPorts(ports []corev1.ContainerPort, p *field.Path) field.ErrorList {
	var errs field.ErrorList
	names := map[string]bool{}
	for i, port := range ports {
		at := p.Index(i)
		if port.Name != "" {
			if messages := validation.IsValidPortName(port.Name); len(messages) > 0 {
				errs = append(errs, invalidIf(at.Child("name"), port.Name, messages)...)
			} else {
				errs = append(errs, unique(at.Child("name"), port.Name, names)...)
			}
		}
		if port.ContainerPort == 0 {
			errs = append(errs, field.Required(at.Child("containerPort"), ""))
		} else {
			errs = append(errs, invalidIf(at.Child("containerPort"), port.ContainerPort, validation.IsValidPortNum(int(port.ContainerPort)))...)
		}
		if port.HostPort != 0 {
			errs = append(errs, invalidIf(at.Child("hostPort"), port.HostPort, validation.IsValidPortNum(int(port.HostPort)))...)
		}
		errs = append(errs, s.checkHostNetworkPort(port, at)...)
		errs = append(errs, oneOf(at.Child("protocol"), port.Protocol, corev1.ProtocolSCTP, corev1.ProtocolTCP, corev1.ProtocolUDP)...)
	}
	return errs
}

// checkHostNetworkPort wants ports on the host's network to be the host's. A
// template may leave that to the defaulting of the pods made from it.
func (s podScope) checkHostNetworkPort(port corev1.ContainerPort, p *field.Path) field.ErrorList {
	if !s.spec.HostNetwork || port.HostPort == port.ContainerPort || s.template && port.HostPort == 0 {
		return nil
	}
	return field.ErrorList{field.Invalid(p.Child("hostPort"), port.HostPort, "must match `containerPort` when `hostNetwork` is true")}
}

// checkHostPorts reports ports of the host that are taken already.
func checkHostPorts(ports []corev1.ContainerPort, taken map[string]bool, p *field.Path) field.ErrorList {
	var errs field.ErrorList
	for i, port := range ports {
		if port.HostPort != 0 {
			key := fmt.Sprintf("%s/%s/%d", port.Protocol, port.HostIP, port.HostPort)
			errs = append(errs, unique(p.Index(i).Child("hostPort"), key, taken)...)
		}
	}
	return errs
}
