package validation

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// kubeletPort is where nodes answer the API server; a balancer that exposed
// it would expose the nodes.
const kubeletPort = 10250

// servicePorts checks each port, and that they can be told apart.
func servicePorts(s *corev1.Service) field.ErrorList {
	type number struct {
		protocol corev1.Protocol
		port     int32
	}
	ports := field.NewPath("spec", "ports")
	var errs field.ErrorList
	if len(s.Spec.Ports) == 0 && !isHeadless(s) && s.Spec.Type != corev1.ServiceTypeExternalName {
		errs = append(errs, field.Required(ports, ""))
	}
	names := map[string]bool{}
	seen, nodePorts := map[number]bool{}, map[number]bool{}
	for i := range s.Spec.Ports {
		port, p := &s.Spec.Ports[i], ports.Index(i)
		errs = append(errs, portName(p.Child("name"), port.Name, len(s.Spec.Ports) > 1, names)...)
		errs = append(errs, servicePort(p, s.Spec.Type, port)...)
		if id := (number{port.Protocol, port.Port}); seen[id] {
			errs = append(errs, field.Duplicate(p, corev1.ServicePort{Protocol: port.Protocol, Port: port.Port}))
		} else {
			seen[id] = true
		}
		if port.NodePort == 0 {
			continue
		}
		if id := (number{port.Protocol, port.NodePort}); nodePorts[id] {
			errs = append(errs, field.Duplicate(p.Child("nodePort"), port.NodePort))
		} else {
			nodePorts[id] = true
		}
	}
	return errs
}

func servicePort(p *field.Path, kind corev1.ServiceType, port *corev1.ServicePort) field.ErrorList {
	errs := invalidIf(p.Child("port"), port.Port, validation.IsValidPortNum(int(port.Port)))
	errs = append(errs, protocol(p.Child("protocol"), port.Protocol)...)
	errs = append(errs, portOrName(p.Child("targetPort"), port.TargetPort)...)
	errs = append(errs, qualifiedIfSet(p.Child("appProtocol"), port.AppProtocol)...)
	if kind == corev1.ServiceTypeLoadBalancer && port.Port == kubeletPort {
		errs = append(errs, field.Invalid(p, port.Port, fmt.Sprintf("may not expose port %v externally since it is used by kubelet", kubeletPort)))
	}
	if port.NodePort == 0 {
		return errs
	}
	if kind == corev1.ServiceTypeClusterIP || kind == corev1.ServiceTypeExternalName {
		return append(errs, field.Forbidden(p.Child("nodePort"), fmt.Sprintf("may not be used when `type` is '%s'", kind)))
	}
	return append(errs, invalidIf(p.Child("nodePort"), port.NodePort, validation.IsValidPortNum(int(port.NodePort)))...)
}

// portName requires a name where there are several ports, and that no two
// have the same.
func portName(p *field.Path, name string, required bool, seen map[string]bool) field.ErrorList {
	if name == "" {
		if required {
			return field.ErrorList{field.Required(p, "")}
		}
		return nil
	}
	return append(invalidIf(p, name, validation.IsDNS1123Label(name)), unique(p, name, seen)...)
}

// protocol requires one that services can carry.
func protocol(p *field.Path, value corev1.Protocol) field.ErrorList {
	return oneOf(p, value, corev1.ProtocolSCTP, corev1.ProtocolTCP, corev1.ProtocolUDP)
}
