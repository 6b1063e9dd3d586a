package validation

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

func endpoints(e *corev1.Endpoints) field.ErrorList {
	errs := metadata(&e.ObjectMeta, namespaced, subdomainName)
	for i := range e.Subsets {
		errs = append(errs, endpointSubset(field.NewPath("subsets").Index(i), &e.Subsets[i])...)
	}
	return errs
}

// endpointsUpdate leaves subsets alone that do not change, so that objects
// stored under older rules can still be labelled.
func endpointsUpdate(e, old *corev1.Endpoints) field.ErrorList {
	errs := metadataUpdate(&e.ObjectMeta, &old.ObjectMeta)
	if equality.Semantic.DeepEqual(e.Subsets, old.Subsets) {
		return errs
	}
	return append(errs, endpoints(e)...)
}

func endpointSubset(p *field.Path, s *corev1.EndpointSubset) field.ErrorList {
	var errs field.ErrorList
	if len(s.Addresses) == 0 && len(s.NotReadyAddresses) == 0 {
		errs = append(errs, field.Required(p, "must specify `addresses` or `notReadyAddresses`"))
	}
	for i := range s.Addresses {
		errs = append(errs, endpointAddress(p.Child("addresses").Index(i), &s.Addresses[i])...)
	}
	for i := range s.NotReadyAddresses {
		errs = append(errs, endpointAddress(p.Child("notReadyAddresses").Index(i), &s.NotReadyAddresses[i])...)
	}
	for i := range s.Ports {
		errs = append(errs, endpointPort(p.Child("ports").Index(i), &s.Ports[i], len(s.Ports) > 1)...)
	}
	return errs
}

func endpointAddress(p *field.Path, a *corev1.EndpointAddress) field.ErrorList {
	errs := routableIP(p.Child("ip"), a.IP)
	errs = append(errs, namedIfSet(p.Child("hostname"), a.Hostname, validation.IsDNS1123Label)...)
	if a.NodeName != nil {
		errs = append(errs, invalidIf(p.Child("nodeName"), *a.NodeName, subdomainName(*a.NodeName, false))...)
	}
	return errs
}

func endpointPort(p *field.Path, port *corev1.EndpointPort, named bool) field.ErrorList {
	errs := portName(p.Child("name"), port.Name, named, map[string]bool{})
	errs = append(errs, invalidIf(p.Child("port"), port.Port, validation.IsValidPortNum(int(port.Port)))...)
	errs = append(errs, protocol(p.Child("protocol"), port.Protocol)...)
	return append(errs, qualifiedIfSet(p.Child("appProtocol"), port.AppProtocol)...)
}
