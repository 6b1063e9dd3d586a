package validation

import (
	"strings"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/admission/plugin/policy/validating"
)

// Bounds of what a policy may write into the audit log.
const (
	maxAuditAnnotations = 20
	maxValueExpression  = 5 * 1024
)

func validatingPolicy(v *admissionv1.ValidatingAdmissionPolicy) field.ErrorList {
	return validatingPolicyUpdate(v, &admissionv1.ValidatingAdmissionPolicy{})
}

func validatingPolicyUpdate(v, old *admissionv1.ValidatingAdmissionPolicy) field.ErrorList {
	errs := metadata(&v.ObjectMeta, clusterScoped, subdomainName)
	spec := field.NewPath("spec")
	e := newExpressions(v.Spec.ParamKind != nil, policyTexts(&old.Spec))
	errs = append(errs, policyHead(spec, v.Spec.ParamKind, v.Spec.MatchConstraints, v.Spec.FailurePolicy)...)
	errs = append(errs, variables(spec.Child("variables"), v.Spec.Variables, e)...)
	errs = append(errs, matchConditions(spec.Child("matchConditions"), v.Spec.MatchConditions, e)...)
	if len(v.Spec.Validations) == 0 && len(v.Spec.AuditAnnotations) == 0 {
		const either = "validations or auditAnnotations must be specified"
		errs = append(errs, field.Required(spec.Child("validations"), either), field.Required(spec.Child("auditAnnotations"), either))
	}
	for i := range v.Spec.Validations {
		errs = append(errs, policyValidation(spec.Child("validations").Index(i), &v.Spec.Validations[i], e)...)
	}
	return append(errs, auditAnnotations(spec.Child("auditAnnotations"), v.Name, v.Spec.AuditAnnotations, e)...)
}

func validatingPolicyStatus(v, old *admissionv1.ValidatingAdmissionPolicy) field.ErrorList {
	return metadataUpdate(&v.ObjectMeta, &old.ObjectMeta)
}

// policyTexts are all the expressions of a policy.
func policyTexts(s *admissionv1.ValidatingAdmissionPolicySpec) []string {
	texts := append(conditionTexts(s.MatchConditions), variableTexts(s.Variables)...)
	for _, v := range s.Validations {
		texts = append(texts, v.Expression, v.MessageExpression)
	}
	for _, a := range s.AuditAnnotations {
		texts = append(texts, a.ValueExpression)
	}
	return texts
}

func policyValidation(p *field.Path, v *admissionv1.Validation, e *expressions) field.ErrorList {
	var errs field.ErrorList
	if strings.TrimSpace(v.Expression) == "" {
		errs = append(errs, field.Required(p.Child("expression"), "expression is not specified"))
	} else {
		errs = append(errs, e.compile(p.Child("expression"), &validating.ValidationCondition{Expression: v.Expression}, use{authorizer: true})...)
	}
	message := p.Child("message")
	switch trimmed := strings.TrimSpace(v.Message); {
	case v.Message != "" && trimmed == "":
		errs = append(errs, field.Invalid(message, v.Message, "message must be non-empty if specified"))
	case hasLineBreaks(trimmed):
		errs = append(errs, field.Invalid(message, v.Message, "message must not contain line breaks"))
	case v.Message == "" && hasLineBreaks(v.Expression):
		errs = append(errs, field.Required(message, "message must be specified if expression contains line breaks"))
	}
	if v.MessageExpression != "" {
		at := p.Child("messageExpression")
		if strings.TrimSpace(v.MessageExpression) == "" {
			errs = append(errs, field.Invalid(at, v.MessageExpression, "must be non-empty if specified"))
		} else {
			errs = append(errs, e.compile(at, &validating.MessageExpressionCondition{MessageExpression: v.MessageExpression}, use{})...)
		}
	}
	return append(errs, oneOfIfSet(p.Child("reason"), v.Reason, metav1.StatusReasonForbidden, metav1.StatusReasonInvalid,
		metav1.StatusReasonRequestEntityTooLarge, metav1.StatusReasonUnauthorized)...)
}

func hasLineBreaks(s string) bool { return strings.ContainsAny(s, "\r\n") }

// auditAnnotations have keys that are valid after the policy's name.
func auditAnnotations(p *field.Path, policy string, list []admissionv1.AuditAnnotation, e *expressions) field.ErrorList {
	var errs field.ErrorList
	if len(list) > maxAuditAnnotations {
		return append(errs, field.TooMany(p, len(list), maxAuditAnnotations))
	}
	keys := map[string]bool{}
	for i, a := range list {
		key, value := p.Index(i).Child("key"), p.Index(i).Child("valueExpression")
		errs = append(errs, present(key, a.Key)...)
		errs = append(errs, unique(key, a.Key, keys)...)
		if policy != "" && a.Key != "" {
			full := policy + "/" + a.Key
			errs = append(errs, invalidIf(key, full, validation.IsQualifiedName(full))...)
		}
		switch {
		case strings.TrimSpace(a.ValueExpression) == "":
			errs = append(errs, field.Required(value, "valueExpression is not specified"))
		case len(a.ValueExpression) > maxValueExpression:
			errs = append(errs, field.TooLong(value, "", maxValueExpression))
		default:
			condition := &validating.AuditAnnotationCondition{Key: a.Key, ValueExpression: a.ValueExpression}
			errs = append(errs, e.compile(value, condition, use{authorizer: true})...)
		}
	}
	return errs
}
