package validation

import (
	networkingv1 "k8s.io/api/networking/v1"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// ingressClassAnnotation named the class before there was a field.
const ingressClassAnnotation = "kubernetes.io/ingress.class"

func ingress(i *networkingv1.Ingress) field.ErrorList {
	errs := ingressSpec(i)
	if class, ok := i.Annotations[ingressClassAnnotation]; ok && i.Spec.IngressClassName != nil {
		errs = append(errs, field.Invalid(field.NewPath("metadata", "annotations").Child(ingressClassAnnotation), class,
			"can not be set when the class field is also set"))
	}
	return errs
}

// ingressUpdate tolerates an annotation beside the class: older objects
// gained the field while they had it.
func ingressUpdate(i, old *networkingv1.Ingress) field.ErrorList {
	return append(metadataUpdate(&i.ObjectMeta, &old.ObjectMeta), ingressSpec(i)...)
}

func ingressSpec(i *networkingv1.Ingress) field.ErrorList {
	errs := metadata(&i.ObjectMeta, namespaced, subdomainName)
	spec := field.NewPath("spec")
	if len(i.Spec.Rules) == 0 && i.Spec.DefaultBackend == nil {
		errs = append(errs, field.Invalid(spec, i.Spec.Rules, "either `defaultBackend` or `rules` must be specified"))
	}
	if b := i.Spec.DefaultBackend; b != nil {
		errs = append(errs, ingressBackend(spec.Child("defaultBackend"), b)...)
	}
	for n := range i.Spec.Rules {
		errs = append(errs, ingressRule(spec.Child("rules").Index(n), &i.Spec.Rules[n])...)
	}
	for n, tls := range i.Spec.TLS {
		p := spec.Child("tls").Index(n)
		for m, host := range tls.Hosts {
			errs = append(errs, wildcardHost(p.Child("hosts").Index(m), host)...)
		}
		errs = append(errs, namedIfSet(p.Child("secretName"), tls.SecretName, whole(subdomainName))...)
	}
	if class := i.Spec.IngressClassName; class != nil {
		errs = append(errs, invalidIf(spec.Child("ingressClassName"), *class, subdomainName(*class, false))...)
	}
	return errs
}

func ingressRule(p *field.Path, r *networkingv1.IngressRule) field.ErrorList {
	var errs field.ErrorList
	if r.Host != "" {
		if isIP(r.Host) {
			errs = append(errs, field.Invalid(p.Child("host"), r.Host, "must be a DNS name, not an IP address"))
		}
		errs = append(errs, wildcardHost(p.Child("host"), r.Host)...)
	}
	if r.HTTP == nil {
		return errs
	}
	paths := p.Child("http", "paths")
	if len(r.HTTP.Paths) == 0 {
		errs = append(errs, field.Required(paths, ""))
	}
	for i := range r.HTTP.Paths {
		errs = append(errs, ingressPath(paths.Index(i), &r.HTTP.Paths[i])...)
	}
	return errs
}

// ingressBackend names a service's port or another resource.
func ingressBackend(p *field.Path, b *networkingv1.IngressBackend) field.ErrorList {
	switch {
	case b.Resource != nil && b.Service != nil:
		return field.ErrorList{field.Invalid(p, "", "cannot set both resource and service backends")}
	case b.Resource != nil:
		return typedReference(p.Child("resource"), b.Resource.APIGroup, b.Resource.Kind, b.Resource.Name)
	case b.Service != nil:
		return ingressService(p, b.Service)
	default:
		return field.ErrorList{field.Invalid(p, "", "resource or service backend is required")}
	}
}

func ingressService(p *field.Path, s *networkingv1.IngressServiceBackend) field.ErrorList {
	service := p.Child("service")
	errs := named(service.Child("name"), s.Name, whole(apivalidation.NameIsDNS1035Label))
	switch name, number := s.Port.Name, s.Port.Number; {
	case name != "" && number != 0:
		return append(errs, field.Invalid(p, "", "cannot set both port name & port number"))
	case name != "":
		return append(errs, invalidIf(service.Child("port", "name"), name, validation.IsValidPortName(name))...)
	case number != 0:
		return append(errs, invalidIf(service.Child("port", "number"), number, validation.IsValidPortNum(int(number)))...)
	default:
		return append(errs, field.Required(p, "port name or number is required"))
	}
}

// typedReference names an object beside the one that refers to it.
func typedReference(p *field.Path, group *string, kind, name string) field.ErrorList {
	var errs field.ErrorList
	if group != nil {
		errs = namedIfSet(p.Child("apiGroup"), *group, validation.IsDNS1123Subdomain)
	}
	errs = append(errs, named(p.Child("kind"), kind, whole(segmentName))...)
	return append(errs, named(p.Child("name"), name, whole(segmentName))...)
}

func ingressStatus(i, old *networkingv1.Ingress) field.ErrorList {
	errs := metadataUpdate(&i.ObjectMeta, &old.ObjectMeta)
	p := field.NewPath("status", "loadBalancer", "ingress")
	for n, in := range i.Status.LoadBalancer.Ingress {
		if in.IP != "" {
			errs = append(errs, ipAddress(p.Index(n).Child("ip"), in.IP)...)
		}
		if in.Hostname != "" {
			errs = append(errs, hostName(p.Index(n).Child("hostname"), in.Hostname)...)
		}
	}
	return errs
}
