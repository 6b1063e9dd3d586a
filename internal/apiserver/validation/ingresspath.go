package validation

import (
	"fmt"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// ingressPath checks a path by how it is matched. Exact and prefix paths are
// compared with clean request paths, so that an unclean one never matches,
// or matches more than it says.
func ingressPath(p *field.Path, h *networkingv1.HTTPIngressPath) field.ErrorList {
	if h.PathType == nil {
		return field.ErrorList{field.Required(p.Child("pathType"), "pathType must be specified")}
	}
	var errs field.ErrorList
	switch *h.PathType {
	case networkingv1.PathTypeExact, networkingv1.PathTypePrefix:
		errs = cleanPath(p.Child("path"), h.Path)
	case networkingv1.PathTypeImplementationSpecific:
		if h.Path != "" {
			errs = absolutePath(p.Child("path"), h.Path)
		}
	default:
		errs = oneOfIfSet(p.Child("pathType"), h.PathType, networkingv1.PathTypeExact,
			networkingv1.PathTypeImplementationSpecific, networkingv1.PathTypePrefix)
	}
	return append(errs, ingressBackend(p.Child("backend"), &h.Backend)...)
}

func absolutePath(p *field.Path, value string) field.ErrorList {
	if strings.HasPrefix(value, "/") {
		return nil
	}
	return field.ErrorList{field.Invalid(p, value, "must be an absolute path")}
}

func cleanPath(p *field.Path, value string) field.ErrorList {
	errs := absolutePath(p, value)
	for _, sequence := range []string{"//", "/./", "/../", "%2f", "%2F"} {
		if strings.Contains(value, sequence) {
			errs = append(errs, field.Invalid(p, value, fmt.Sprintf("must not contain '%s'", sequence)))
		}
	}
	for _, suffix := range []string{"/..", "/."} {
		if strings.HasSuffix(value, suffix) {
			errs = append(errs, field.Invalid(p, value, fmt.Sprintf("cannot end with '%s'", suffix)))
		}
	}
	return errs
}
