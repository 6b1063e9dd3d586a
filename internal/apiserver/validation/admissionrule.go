package validation

import (
	"fmt"
	"slices"
	"strings"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// operationRule says which requests a webhook or a policy sees.
func operationRule(p *field.Path, r *admissionv1.RuleWithOperations) field.ErrorList {
	operations := p.Child("operations")
	var errs field.ErrorList
	if len(r.Operations) == 0 {
		errs = append(errs, field.Required(operations, ""))
	}
	if len(r.Operations) > 1 && slices.Contains(r.Operations, admissionv1.OperationAll) {
		errs = append(errs, field.Invalid(operations, r.Operations, "if '*' is present, must not specify other operations"))
	}
	for i := range r.Operations {
		errs = append(errs, oneOfIfSet(operations.Index(i), &r.Operations[i], admissionv1.OperationAll, admissionv1.Connect,
			admissionv1.Create, admissionv1.Delete, admissionv1.Update)...)
	}
	return append(errs, rule(p, &r.Rule)...)
}

func rule(p *field.Path, r *admissionv1.Rule) field.ErrorList {
	errs := wildcardList(p.Child("apiGroups"), r.APIGroups, "API groups")
	versions := p.Child("apiVersions")
	errs = append(errs, wildcardList(versions, r.APIVersions, "API versions")...)
	for i, v := range r.APIVersions {
		errs = append(errs, present(versions.Index(i), v)...)
	}
	errs = append(errs, ruleResources(p.Child("resources"), r.Resources)...)
	return append(errs, oneOfIfSet(p.Child("scope"), r.Scope,
		admissionv1.AllScopes, admissionv1.ClusterScope, admissionv1.NamespacedScope)...)
}

// wildcardList requires members, or a star alone.
func wildcardList(p *field.Path, list []string, what string) field.ErrorList {
	switch {
	case len(list) == 0:
		return field.ErrorList{field.Required(p, "")}
	case len(list) > 1 && slices.Contains(list, "*"):
		return field.ErrorList{field.Invalid(p, list, fmt.Sprintf("if '*' is present, must not specify other %s", what))}
	}
	return nil
}

// ruleResources refuses members that another one includes already.
func ruleResources(p *field.Path, list []string) field.ErrorList {
	if len(list) == 0 {
		return field.ErrorList{field.Required(p, "")}
	}
	var errs field.ErrorList
	plain := 0
	for i, r := range list {
		errs = append(errs, present(p.Index(i), r)...)
		resource, sub, hasSub := strings.Cut(r, "/")
		if !hasSub {
			plain++
			continue
		}
		if all := "*/" + sub; sub != "*" && resource != "*" && slices.Contains(list, all) {
			errs = append(errs, field.Invalid(p.Index(i), r, fmt.Sprintf("if '%s' is present, must not specify %s", all, r)))
		}
		if all := resource + "/*"; resource != "*" && sub != "*" && slices.Contains(list, all) {
			errs = append(errs, field.Invalid(p.Index(i), r, fmt.Sprintf("if '%s' is present, must not specify %s", all, r)))
		}
	}
	if len(list) > 1 && slices.Contains(list, "*/*") {
		errs = append(errs, field.Invalid(p, list, "if '*/*' is present, must not specify other resources"))
	}
	if plain > 1 && slices.Contains(list, "*") {
		errs = append(errs, field.Invalid(p, list, "if '*' is present, must not specify other resources without subresources"))
	}
	return errs
}
