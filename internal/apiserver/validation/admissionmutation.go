package validation

import (
	"strings"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
	plugincel "k8s.io/apiserver/pkg/admission/plugin/cel"
	"k8s.io/apiserver/pkg/admission/plugin/policy/mutating/patch"
)

func mutatingPolicy(m *admissionv1.MutatingAdmissionPolicy) field.ErrorList {
	return mutatingPolicyUpdate(m, &admissionv1.MutatingAdmissionPolicy{})
}

func mutatingPolicyUpdate(m, old *admissionv1.MutatingAdmissionPolicy) field.ErrorList {
	errs := metadata(&m.ObjectMeta, clusterScoped, subdomainName)
	spec := field.NewPath("spec")
	e := newExpressions(m.Spec.ParamKind != nil, mutationTexts(&old.Spec))
	errs = append(errs, policyHead(spec, m.Spec.ParamKind, m.Spec.MatchConstraints, m.Spec.FailurePolicy)...)
	errs = append(errs, variables(spec.Child("variables"), m.Spec.Variables, e)...)
	errs = append(errs, matchConditions(spec.Child("matchConditions"), m.Spec.MatchConditions, e)...)
	if len(m.Spec.Mutations) == 0 {
		errs = append(errs, field.Required(spec.Child("mutations"), "mutations must contain at least one item"))
	}
	for i := range m.Spec.Mutations {
		errs = append(errs, mutation(spec.Child("mutations").Index(i), &m.Spec.Mutations[i], e)...)
	}
	return append(errs, oneOf(spec.Child("reinvocationPolicy"), m.Spec.ReinvocationPolicy,
		admissionv1.IfNeededReinvocationPolicy, admissionv1.NeverReinvocationPolicy)...)
}

func mutationTexts(s *admissionv1.MutatingAdmissionPolicySpec) []string {
	texts := append(conditionTexts(s.MatchConditions), variableTexts(s.Variables)...)
	for _, m := range s.Mutations {
		if m.ApplyConfiguration != nil {
			texts = append(texts, m.ApplyConfiguration.Expression)
		}
		if m.JSONPatch != nil {
			texts = append(texts, m.JSONPatch.Expression)
		}
	}
	return texts
}

// mutation has the one expression that its type asks for.
func mutation(p *field.Path, m *admissionv1.Mutation, e *expressions) field.ErrorList {
	apply, jsonPatch := p.Child("applyConfiguration"), p.Child("jsonPatch")
	switch m.PatchType {
	case admissionv1.PatchTypeApplyConfiguration:
		var errs field.ErrorList
		if m.JSONPatch != nil {
			errs = append(errs, field.Forbidden(jsonPatch, "must not be specified when patchType is ApplyConfiguration"))
		}
		if m.ApplyConfiguration == nil {
			return append(errs, field.Required(apply, "must be specified when patchType is ApplyConfiguration"))
		}
		x := &patch.ApplyConfigurationCondition{Expression: m.ApplyConfiguration.Expression}
		return append(errs, patchExpression(apply.Child("expression"), x, e)...)
	case admissionv1.PatchTypeJSONPatch:
		var errs field.ErrorList
		if m.ApplyConfiguration != nil {
			errs = append(errs, field.Forbidden(apply, "must not be specified when patchType is JSONPatch"))
		}
		if m.JSONPatch == nil {
			return append(errs, field.Required(jsonPatch, "must be specified when patchType is JSONPatch"))
		}
		x := &patch.JSONPatchCondition{Expression: m.JSONPatch.Expression}
		return append(errs, patchExpression(jsonPatch.Child("expression"), x, e)...)
	default:
		return oneOf(p.Child("patchType"), m.PatchType, admissionv1.PatchTypeApplyConfiguration, admissionv1.PatchTypeJSONPatch)
	}
}

func patchExpression(p *field.Path, x plugincel.ExpressionAccessor, e *expressions) field.ErrorList {
	if strings.TrimSpace(x.GetExpression()) == "" {
		return field.ErrorList{field.Required(p, "expression is not specified")}
	}
	return e.compile(p, x, use{authorizer: true, patches: true})
}
