package validation

import (
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// How much a slice may hold.
const (
	maxEndpoints     = 1000
	maxAddresses     = 100
	maxSlicePorts    = 20000
	maxTopologyPairs = 16
	maxHints         = 8
)

func endpointSlice(s *discoveryv1.EndpointSlice) field.ErrorList {
	errs := metadata(&s.ObjectMeta, namespaced, subdomainName)
	errs = append(errs, oneOf(field.NewPath("addressType"), s.AddressType,
		discoveryv1.AddressTypeFQDN, discoveryv1.AddressTypeIPv4, discoveryv1.AddressTypeIPv6)...)
	p := field.NewPath("endpoints")
	if len(s.Endpoints) > maxEndpoints {
		errs = append(errs, field.TooMany(p, len(s.Endpoints), maxEndpoints))
	} else {
		for i := range s.Endpoints {
			errs = append(errs, sliceEndpoint(p.Index(i), &s.Endpoints[i], s.AddressType)...)
		}
	}
	return append(errs, slicePorts(field.NewPath("ports"), s.Ports)...)
}

func endpointSliceUpdate(s, old *discoveryv1.EndpointSlice) field.ErrorList {
	errs := metadataUpdate(&s.ObjectMeta, &old.ObjectMeta)
	errs = append(errs, endpointSlice(s)...)
	return append(errs, immutable(field.NewPath("addressType"), s.AddressType, old.AddressType)...)
}

func sliceEndpoint(p *field.Path, e *discoveryv1.Endpoint, kind discoveryv1.AddressType) field.ErrorList {
	errs := sliceAddresses(p.Child("addresses"), e.Addresses, kind)
	if e.Hostname != nil {
		errs = append(errs, invalidIf(p.Child("hostname"), *e.Hostname, validation.IsDNS1123Label(*e.Hostname))...)
	}
	if e.NodeName != nil {
		errs = append(errs, invalidIf(p.Child("nodeName"), *e.NodeName, subdomainName(*e.NodeName, false))...)
	}
	if e.Hints != nil {
		errs = append(errs, hints(p.Child("hints"), e.Hints)...)
	}
	return append(errs, topology(p.Child("deprecatedTopology"), e.DeprecatedTopology)...)
}

func sliceAddresses(p *field.Path, list []string, kind discoveryv1.AddressType) field.ErrorList {
	switch {
	case len(list) == 0:
		return field.ErrorList{field.Required(p, "must contain at least 1 address")}
	case len(list) > maxAddresses:
		return field.ErrorList{field.TooMany(p, len(list), maxAddresses)}
	}
	var errs field.ErrorList
	for i, a := range list {
		errs = append(errs, sliceAddress(p.Index(i), a, kind)...)
	}
	return errs
}

// sliceAddress requires an address of the slice's type.
func sliceAddress(p *field.Path, value string, kind discoveryv1.AddressType) field.ErrorList {
	switch kind {
	case discoveryv1.AddressTypeIPv4:
		errs := routableIP(p, value)
		if isIPv6(value) {
			errs = append(errs, field.Invalid(p, value, "must be an IPv4 address"))
		}
		return errs
	case discoveryv1.AddressTypeIPv6:
		errs := routableIP(p, value)
		if isIP(value) && !isIPv6(value) {
			errs = append(errs, field.Invalid(p, value, "must be an IPv6 address"))
		}
		return errs
	case discoveryv1.AddressTypeFQDN:
		return validation.IsFullyQualifiedDomainName(p, value)
	default:
		return nil // the type is at fault, which has been said
	}
}

// topology holds what has no field of its own; the zone has one now.
func topology(p *field.Path, pairs map[string]string) field.ErrorList {
	if len(pairs) > maxTopologyPairs {
		return field.ErrorList{field.TooMany(p, len(pairs), maxTopologyPairs)}
	}
	errs := labelMap(p, pairs)
	if _, ok := pairs[corev1.LabelTopologyZone]; ok {
		errs = append(errs, field.Forbidden(p.Key(corev1.LabelTopologyZone), "use the `zone` field instead"))
	}
	return errs
}

// hints name the zones and nodes that should use an endpoint.
func hints(p *field.Path, h *discoveryv1.EndpointHints) field.ErrorList {
	var errs field.ErrorList
	if zones := p.Child("forZones"); len(h.ForZones) > maxHints {
		errs = append(errs, field.TooMany(zones, len(h.ForZones), maxHints))
	} else {
		seen := map[string]bool{}
		for i, z := range h.ForZones {
			p := zones.Index(i).Child("name")
			errs = append(errs, unique(p, z.Name, seen)...)
			errs = append(errs, invalidIf(p, z.Name, validation.IsValidLabelValue(z.Name))...)
		}
	}
	if nodes := p.Child("forNodes"); len(h.ForNodes) > maxHints {
		errs = append(errs, field.TooMany(nodes, len(h.ForNodes), maxHints))
	} else {
		seen := map[string]bool{}
		for i, n := range h.ForNodes {
			p := nodes.Index(i).Child("name")
			errs = append(errs, unique(p, n.Name, seen)...)
			errs = append(errs, invalidIf(p, n.Name, subdomainName(n.Name, false))...)
		}
	}
	return errs
}

// slicePorts may leave out the number, which then means all ports.
func slicePorts(p *field.Path, ports []discoveryv1.EndpointPort) field.ErrorList {
	if len(ports) > maxSlicePorts {
		return field.ErrorList{field.TooMany(p, len(ports), maxSlicePorts)}
	}
	var errs field.ErrorList
	names := map[string]bool{}
	for i := range ports {
		port, p := &ports[i], p.Index(i)
		name := deref(port.Name)
		errs = append(errs, namedIfSet(p.Child("name"), name, validation.IsDNS1123Label)...)
		errs = append(errs, unique(p.Child("name"), name, names)...)
		errs = append(errs, protocol(p.Child("protocol"), deref(port.Protocol))...)
		errs = append(errs, qualifiedIfSet(p.Child("appProtocol"), port.AppProtocol)...)
		if port.Port != nil {
			errs = append(errs, invalidIf(p.Child("port"), *port.Port, validation.IsValidPortNum(int(*port.Port)))...)
		}
	}
	return errs
}
