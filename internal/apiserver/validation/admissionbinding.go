package validation

import (
	"slices"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

func validatingBinding(b *admissionv1.ValidatingAdmissionPolicyBinding) field.ErrorList {
	errs := metadata(&b.ObjectMeta, clusterScoped, subdomainName)
	spec := field.NewPath("spec")
	errs = append(errs, bindingHead(spec, b.Spec.PolicyName, b.Spec.ParamRef, b.Spec.MatchResources)...)
	return append(errs, validationActions(spec.Child("validationActions"), b.Spec.ValidationActions)...)
}

func validatingBindingUpdate(b, old *admissionv1.ValidatingAdmissionPolicyBinding) field.ErrorList {
	return append(metadataUpdate(&b.ObjectMeta, &old.ObjectMeta), validatingBinding(b)...)
}

func mutatingBinding(b *admissionv1.MutatingAdmissionPolicyBinding) field.ErrorList {
	errs := metadata(&b.ObjectMeta, clusterScoped, subdomainName)
	return append(errs, bindingHead(field.NewPath("spec"), b.Spec.PolicyName, b.Spec.ParamRef, b.Spec.MatchResources)...)
}

func mutatingBindingUpdate(b, old *admissionv1.MutatingAdmissionPolicyBinding) field.ErrorList {
	return append(metadataUpdate(&b.ObjectMeta, &old.ObjectMeta), mutatingBinding(b)...)
}

func bindingHead(spec *field.Path, policy string, params *admissionv1.ParamRef, match *admissionv1.MatchResources) field.ErrorList {
	errs := named(spec.Child("policyName"), policy, whole(subdomainName))
	if params != nil {
		errs = append(errs, paramRef(spec.Child("paramRef"), params)...)
	}
	if match != nil {
		errs = append(errs, matchResources(spec.Child("matchResources"), match)...)
	}
	return errs
}

// paramRef names one parameter object, or selects several.
func paramRef(p *field.Path, r *admissionv1.ParamRef) field.ErrorList {
	errs := namedIfSet(p.Child("namespace"), r.Namespace, validation.IsDNS1123Label)
	errs = append(errs, namedIfSet(p.Child("name"), r.Name, whole(segmentName))...)
	errs = append(errs, selector(p.Child("selector"), r.Selector)...)
	switch {
	case r.Name != "" && r.Selector != nil:
		const exclusive = "name and selector are mutually exclusive"
		errs = append(errs, field.Forbidden(p.Child("name"), exclusive), field.Forbidden(p.Child("selector"), exclusive))
	case r.Name == "" && r.Selector == nil:
		errs = append(errs, field.Required(p, "one of name or selector must be specified"))
	}
	missing := p.Child("parameterNotFoundAction")
	if r.ParameterNotFoundAction == nil {
		return append(errs, field.Required(missing, ""))
	}
	return append(errs, oneOf(missing, *r.ParameterNotFoundAction, admissionv1.AllowAction, admissionv1.DenyAction)...)
}

func validationActions(p *field.Path, list []admissionv1.ValidationAction) field.ErrorList {
	if len(list) == 0 {
		return field.ErrorList{field.Required(p, "at least one validation action is required")}
	}
	var errs field.ErrorList
	seen := map[admissionv1.ValidationAction]bool{}
	for i := range list {
		errs = append(errs, oneOfIfSet(p.Index(i), &list[i], admissionv1.Audit, admissionv1.Deny, admissionv1.Warn)...)
		errs = append(errs, unique(p.Index(i), list[i], seen)...)
	}
	if slices.Contains(list, admissionv1.Deny) && slices.Contains(list, admissionv1.Warn) {
		errs = append(errs, field.Invalid(p, list, "must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)"))
	}
	return errs
}
