package validation

import (
	authorizationv1 "k8s.io/api/authorization/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	metav1validation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// SubjectAccessReview checks a question about any user.
func SubjectAccessReview(r *authorizationv1.SubjectAccessReview) field.ErrorList {
	errs := reviewSpec(&r.Spec)
	return append(errs, emptyMetadata(r.ObjectMeta, "must be empty")...)
}

// SelfSubjectAccessReview checks a question about the one who asks.
func SelfSubjectAccessReview(r *authorizationv1.SelfSubjectAccessReview) field.ErrorList {
	errs := attributes(r.Spec.ResourceAttributes, r.Spec.NonResourceAttributes)
	return append(errs, emptyMetadata(r.ObjectMeta, "must be empty")...)
}

// LocalSubjectAccessReview checks a question about any user in one namespace,
// which those may ask who may not ask about others.
func LocalSubjectAccessReview(r *authorizationv1.LocalSubjectAccessReview) field.ErrorList {
	errs := reviewSpec(&r.Spec)
	m := r.ObjectMeta
	m.Namespace = ""
	errs = append(errs, emptyMetadata(m, "must be empty except for namespace")...)
	if a := r.Spec.ResourceAttributes; a != nil && a.Namespace != r.Namespace {
		errs = append(errs, field.Invalid(field.NewPath("spec", "resourceAttributes", "namespace"), a.Namespace, "must match metadata.namespace"))
	}
	if a := r.Spec.NonResourceAttributes; a != nil {
		errs = append(errs, field.Invalid(field.NewPath("spec", "nonResourceAttributes"), a, "disallowed on this kind of request"))
	}
	return errs
}

func reviewSpec(s *authorizationv1.SubjectAccessReviewSpec) field.ErrorList {
	errs := attributes(s.ResourceAttributes, s.NonResourceAttributes)
	if s.User == "" && len(s.Groups) == 0 {
		errs = append(errs, field.Invalid(field.NewPath("spec", "user"), s.User, "at least one of user or group must be specified"))
	}
	return errs
}

// emptyMetadata refuses metadata, since a question is not stored. Managed
// fields are the API server's own doing.
func emptyMetadata(m metav1.ObjectMeta, message string) field.ErrorList {
	m.ManagedFields = nil
	if equality.Semantic.DeepEqual(m, metav1.ObjectMeta{}) {
		return nil
	}
	return field.ErrorList{field.Invalid(field.NewPath("metadata"), m, message)}
}

// attributes requires what is to be accessed: a resource or another path.
func attributes(resource *authorizationv1.ResourceAttributes, other *authorizationv1.NonResourceAttributes) field.ErrorList {
	spec := field.NewPath("spec")
	var errs field.ErrorList
	switch {
	case resource != nil && other != nil:
		errs = append(errs, field.Invalid(spec.Child("nonResourceAttributes"), other, "cannot be specified in combination with resourceAttributes"))
	case resource == nil && other == nil:
		errs = append(errs, field.Invalid(spec.Child("resourceAttributes"), resource, "exactly one of nonResourceAttributes or resourceAttributes must be specified"))
	}
	if resource == nil {
		return errs
	}
	p := spec.Child("resourceAttributes")
	if s := resource.FieldSelector; s != nil {
		p := p.Child("fieldSelector")
		errs = append(errs, rawOrParsed(p, s.RawSelector, len(s.Requirements))...)
		for i, r := range s.Requirements {
			errs = append(errs, metav1validation.ValidateFieldSelectorRequirement(r,
				metav1validation.FieldSelectorValidationOptions{AllowUnknownOperatorInRequirement: true}, p.Child("requirements").Index(i))...)
		}
	}
	if s := resource.LabelSelector; s != nil {
		p := p.Child("labelSelector")
		errs = append(errs, rawOrParsed(p, s.RawSelector, len(s.Requirements))...)
		for i, r := range s.Requirements {
			errs = append(errs, metav1validation.ValidateLabelSelectorRequirement(r,
				metav1validation.LabelSelectorValidationOptions{AllowUnknownOperatorInRequirement: true}, p.Child("requirements").Index(i))...)
		}
	}
	return errs
}

// rawOrParsed requires exactly one form of a selector.
func rawOrParsed(p *field.Path, raw string, parsed int) field.ErrorList {
	switch {
	case raw != "" && parsed > 0:
		return field.ErrorList{field.Invalid(p.Child("rawSelector"), raw, "may not specified at the same time as requirements")}
	case raw == "" && parsed == 0:
		return field.ErrorList{field.Required(p.Child("requirements"), "when spec.resourceAttributes selectors are specified, requirements or rawSelector is required")}
	}
	return nil
}
