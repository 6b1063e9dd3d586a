package validation

import (
	"strings"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/admission/plugin/policy/validating"
	apiservercel "k8s.io/apiserver/pkg/cel"
)

// policyHead checks what validating and mutating policies have in common:
// what they are parameterized by, what they apply to, what happens when they
// fail.
func policyHead(spec *field.Path, params *admissionv1.ParamKind, match *admissionv1.MatchResources, failure *admissionv1.FailurePolicyType) field.ErrorList {
	errs := failurePolicy(spec, failure)
	if failure == nil {
		errs = append(errs, field.Required(spec.Child("failurePolicy"), ""))
	}
	if params != nil {
		errs = append(errs, paramKind(spec.Child("paramKind"), params)...)
	}
	p := spec.Child("matchConstraints")
	if match == nil {
		return append(errs, field.Required(p, ""))
	}
	errs = append(errs, matchResources(p, match)...)
	if len(match.ResourceRules) == 0 {
		errs = append(errs, field.Required(p.Child("resourceRules"), ""))
	}
	return errs
}

func matchResources(p *field.Path, m *admissionv1.MatchResources) field.ErrorList {
	errs := matchPolicy(p, m.MatchPolicy)
	if m.MatchPolicy == nil {
		errs = append(errs, field.Required(p.Child("matchPolicy"), ""))
	}
	if m.NamespaceSelector == nil {
		errs = append(errs, field.Required(p.Child("namespaceSelector"), ""))
	}
	if m.ObjectSelector == nil {
		errs = append(errs, field.Required(p.Child("objectSelector"), ""))
	}
	errs = append(errs, selector(p.Child("namespaceSelector"), m.NamespaceSelector)...)
	errs = append(errs, selector(p.Child("objectSelector"), m.ObjectSelector)...)
	errs = append(errs, namedRules(p.Child("resourceRules"), m.ResourceRules)...)
	return append(errs, namedRules(p.Child("excludeResourceRules"), m.ExcludeResourceRules)...)
}

func namedRules(p *field.Path, list []admissionv1.NamedRuleWithOperations) field.ErrorList {
	var errs field.ErrorList
	for i := range list {
		names := map[string]bool{}
		for n, name := range list[i].ResourceNames {
			at := p.Index(i).Child("resourceNames").Index(n)
			errs = append(errs, invalidIf(at, name, segmentName(name, false))...)
			errs = append(errs, unique(at, name, names)...)
		}
		errs = append(errs, operationRule(p.Index(i), &list[i].RuleWithOperations)...)
	}
	return errs
}

func paramKind(p *field.Path, k *admissionv1.ParamKind) field.ErrorList {
	version, kind := p.Child("apiVersion"), p.Child("kind")
	errs := present(version, k.APIVersion)
	if k.APIVersion != "" {
		gv, err := schema.ParseGroupVersion(k.APIVersion)
		if err != nil {
			errs = append(errs, field.Invalid(version, k.APIVersion, err.Error()))
		} else {
			errs = append(errs, namedIfSet(version, gv.Group, validation.IsDNS1123Subdomain)...)
			errs = append(errs, invalidIf(version, gv.Version, validation.IsDNS1035Label(gv.Version))...)
		}
	}
	errs = append(errs, present(kind, k.Kind)...)
	if bad := validation.IsDNS1035Label(strings.ToLower(k.Kind)); k.Kind != "" && len(bad) > 0 {
		errs = append(errs, field.Invalid(kind, k.Kind, "may have mixed case, but should otherwise match: "+strings.Join(bad, ",")))
	}
	return errs
}

// variables are named as CEL names things, since `variables.NAME` is CEL.
func variables(p *field.Path, list []admissionv1.Variable, e *expressions) field.ErrorList {
	var errs field.ErrorList
	names := map[string]bool{}
	for i, v := range list {
		name, expression := p.Index(i).Child("name"), p.Index(i).Child("expression")
		switch {
		case strings.TrimSpace(v.Name) == "":
			errs = append(errs, field.Required(name, "name is not specified"))
		case !isIdentifier(v.Name):
			errs = append(errs, field.Invalid(name, v.Name, "name is not a valid CEL identifier"))
		}
		errs = append(errs, unique(name, v.Name, names)...)
		if strings.TrimSpace(v.Expression) == "" {
			errs = append(errs, field.Required(expression, "expression is not specified"))
			continue
		}
		errs = append(errs, e.variable(expression, &validating.Variable{Name: v.Name, Expression: v.Expression})...)
	}
	return errs
}

func variableTexts(list []admissionv1.Variable) []string {
	var texts []string
	for _, v := range list {
		texts = append(texts, v.Expression)
	}
	return texts
}

// isIdentifier tells whether CEL can name something so. The library escapes
// the words that CEL keeps for itself, which shows them here.
func isIdentifier(name string) bool {
	for i, r := range name {
		letter := r == '_' || ('a' <= r && r <= 'z') || ('A' <= r && r <= 'Z')
		if digit := '0' <= r && r <= '9'; !letter && (i == 0 || !digit) {
			return false
		}
	}
	escaped, ok := apiservercel.Escape(name)
	return ok && escaped != "__"+name+"__"
}
