package validation

import (
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/api/validation/path"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	metav1validation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// Whether a kind's objects live in namespaces.
const (
	namespaced    = true
	clusterScoped = false
)

// metadata checks an object's metadata; name says which names its kind has.
func metadata(m *metav1.ObjectMeta, inNamespace bool, name apivalidation.ValidateNameFunc) field.ErrorList {
	return apivalidation.ValidateObjectMeta(m, inNamespace, name, field.NewPath("metadata"))
}

// metadataUpdate checks what may not change about an object's metadata.
func metadataUpdate(m, old *metav1.ObjectMeta) field.ErrorList {
	return apivalidation.ValidateObjectMetaUpdate(m, old, field.NewPath("metadata"))
}

// subdomainName is the name rule of most kinds.
func subdomainName(name string, prefix bool) []string {
	return apivalidation.NameIsDNSSubdomain(name, prefix)
}

// segmentName accepts all that fits into a URL's path, as RBAC's names do,
// which may hold colons.
func segmentName(name string, prefix bool) []string {
	return path.ValidatePathSegmentName(name, prefix)
}

// whole adapts a rule of names to complete names.
func whole(name apivalidation.ValidateNameFunc) func(string) []string {
	return func(s string) []string { return name(s, false) }
}

// immutable refuses a change of one field.
func immutable(p *field.Path, now, old any) field.ErrorList {
	return apivalidation.ValidateImmutableField(now, old, p)
}

// selector checks a label selector that may be absent.
func selector(p *field.Path, s *metav1.LabelSelector) field.ErrorList {
	return metav1validation.ValidateLabelSelector(s, metav1validation.LabelSelectorValidationOptions{}, p)
}

// labelMap checks keys and values of labels.
func labelMap(p *field.Path, labels map[string]string) field.ErrorList {
	return metav1validation.ValidateLabels(labels, p)
}

// qualified requires a name with an optional domain before it.
func qualified(p *field.Path, value string) field.ErrorList {
	return invalidIf(p, value, validation.IsQualifiedName(value))
}

// qualifiedIfSet accepts no value, or a qualified name.
func qualifiedIfSet(p *field.Path, value *string) field.ErrorList {
	if value == nil {
		return nil
	}
	return qualified(p, *value)
}
