package validation

import (
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// maxController bounds the name of an ingress controller.
const maxController = 250

func ingressClass(c *networkingv1.IngressClass) field.ErrorList {
	errs := metadata(&c.ObjectMeta, clusterScoped, subdomainName)
	spec := field.NewPath("spec")
	p := spec.Child("controller")
	if len(c.Spec.Controller) > maxController {
		errs = append(errs, field.TooLong(p, "", maxController))
	}
	errs = append(errs, validation.IsDomainPrefixedPath(p, c.Spec.Controller)...)
	if ref := c.Spec.Parameters; ref != nil {
		errs = append(errs, classParameters(spec.Child("parameters"), ref)...)
	}
	return errs
}

// ingressClassUpdate keeps the controller: another one would find resources
// it knows nothing of.
func ingressClassUpdate(c, old *networkingv1.IngressClass) field.ErrorList {
	errs := metadataUpdate(&c.ObjectMeta, &old.ObjectMeta)
	errs = append(errs, immutable(field.NewPath("spec", "controller"), c.Spec.Controller, old.Spec.Controller)...)
	return append(errs, ingressClass(c)...)
}

func classParameters(p *field.Path, ref *networkingv1.IngressClassParametersReference) field.ErrorList {
	errs := typedReference(p, ref.APIGroup, ref.Kind, ref.Name)
	space := p.Child("namespace")
	switch deref(ref.Scope) {
	case "":
		return append(errs, field.Required(p.Child("scope"), ""))
	case networkingv1.IngressClassParametersReferenceScopeNamespace:
		if ref.Namespace == nil {
			return append(errs, field.Required(space, "`parameters.scope` is set to 'Namespace'"))
		}
		return append(errs, invalidIf(space, *ref.Namespace, validation.IsDNS1123Label(*ref.Namespace))...)
	case networkingv1.IngressClassParametersReferenceScopeCluster:
		if ref.Namespace != nil {
			return append(errs, field.Forbidden(space, "`parameters.scope` is set to 'Cluster'"))
		}
		return errs
	default:
		return append(errs, oneOfIfSet(p.Child("scope"), ref.Scope,
			networkingv1.IngressClassParametersReferenceScopeCluster, networkingv1.IngressClassParametersReferenceScopeNamespace)...)
	}
}
