package printers

import (
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func validatingWebhooks() view {
	return viewOf(webhookColumns(), func(c *admissionregistrationv1.ValidatingWebhookConfiguration) []any {
		return []any{c.Name, int64(len(c.Webhooks)), age(c.CreationTimestamp)}
	})
}

func mutatingWebhooks() view {
	return viewOf(webhookColumns(), func(c *admissionregistrationv1.MutatingWebhookConfiguration) []any {
		return []any{c.Name, int64(len(c.Webhooks)), age(c.CreationTimestamp)}
	})
}

func webhookColumns() []column {
	return columns(nameColumn(), integer("Webhooks", "Webhooks indicates the number of webhooks registered in this configuration"), ageColumn())
}

func validatingPolicies() view {
	return viewOf(columns(
		nameColumn(),
		integer("Validations", "Validations indicates the number of validation rules defined in this configuration"),
		paramKindColumn(),
		ageColumn(),
	), func(p *admissionregistrationv1.ValidatingAdmissionPolicy) []any {
		return []any{p.Name, int64(len(p.Spec.Validations)), paramKind(p.Spec.ParamKind), age(p.CreationTimestamp)}
	})
}

func mutatingPolicies() view {
	return viewOf(columns(
		nameColumn(),
		integer("Mutations", "Mutation indicates the number of mutations rules defined in this configuration"),
		paramKindColumn(),
		ageColumn(),
	), func(p *admissionregistrationv1.MutatingAdmissionPolicy) []any {
		return []any{p.Name, int64(len(p.Spec.Mutations)), paramKind(p.Spec.ParamKind), age(p.CreationTimestamp)}
	})
}

func validatingPolicyBindings() view {
	return viewOf(policyBindingColumns(), func(b *admissionregistrationv1.ValidatingAdmissionPolicyBinding) []any {
		return []any{b.Name, b.Spec.PolicyName, paramRef(b.Spec.ParamRef), age(b.CreationTimestamp)}
	})
}

func mutatingPolicyBindings() view {
	return viewOf(policyBindingColumns(), func(b *admissionregistrationv1.MutatingAdmissionPolicyBinding) []any {
		return []any{b.Name, b.Spec.PolicyName, paramRef(b.Spec.ParamRef), age(b.CreationTimestamp)}
	})
}

func policyBindingColumns() []column {
	return columns(
		nameColumn(),
		text("PolicyName", "PolicyName indicates the policy definition which the policy binding binded to"),
		text("ParamRef", "ParamRef indicates the param resource which sets the configration param"),
		ageColumn(),
	)
}

func paramKindColumn() column {
	return text("ParamKind", "ParamKind specifies the kind of resources used to parameterize this policy")
}

func paramKind(k *admissionregistrationv1.ParamKind) string {
	if k == nil {
		return unset
	}
	return k.APIVersion + "/" + k.Kind
}

// paramRef names the parameters. Whether they live in a namespace is not
// known here; where none is given, a star stands for it.
func paramRef(r *admissionregistrationv1.ParamRef) string {
	switch {
	case r == nil:
		return unset
	case r.Name != "":
		return or(r.Namespace, "*") + "/" + r.Name
	case r.Selector != nil:
		return metav1.FormatLabelSelector(r.Selector)
	default:
		return unset
	}
}
