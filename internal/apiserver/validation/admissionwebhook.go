package validation

import (
	"fmt"
	"slices"
	"strings"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/util/webhook"
)

// maxWebhookSeconds bounds how long a request may wait for a webhook.
const maxWebhookSeconds = 30

// defaultWebhookPort is the one meant where none is given.
const defaultWebhookPort = 443

func validatingWebhooks(c *admissionv1.ValidatingWebhookConfiguration) field.ErrorList {
	return validatingWebhooksUpdate(c, &admissionv1.ValidatingWebhookConfiguration{})
}

func validatingWebhooksUpdate(c, old *admissionv1.ValidatingWebhookConfiguration) field.ErrorList {
	errs := metadata(&c.ObjectMeta, clusterScoped, subdomainName)
	var stored []admissionv1.MatchCondition
	for _, w := range old.Webhooks {
		stored = append(stored, w.MatchConditions...)
	}
	compiler := newExpressions(false, conditionTexts(stored))
	names := map[string]bool{}
	for i := range c.Webhooks {
		w, p := &c.Webhooks[i], field.NewPath("webhooks").Index(i)
		errs = append(errs, webhookRules(p, anyWebhook{
			name: w.Name, client: w.ClientConfig, rules: w.Rules, failure: w.FailurePolicy, match: w.MatchPolicy,
			sideEffects: w.SideEffects, timeout: w.TimeoutSeconds, versions: w.AdmissionReviewVersions,
			conditions: w.MatchConditions,
		}, compiler)...)
		errs = append(errs, selector(p.Child("namespaceSelector"), w.NamespaceSelector)...)
		errs = append(errs, selector(p.Child("objectSelector"), w.ObjectSelector)...)
		errs = append(errs, unique(p.Child("name"), w.Name, names)...)
	}
	return errs
}

func mutatingWebhooks(c *admissionv1.MutatingWebhookConfiguration) field.ErrorList {
	return mutatingWebhooksUpdate(c, &admissionv1.MutatingWebhookConfiguration{})
}

func mutatingWebhooksUpdate(c, old *admissionv1.MutatingWebhookConfiguration) field.ErrorList {
	errs := metadata(&c.ObjectMeta, clusterScoped, subdomainName)
	var stored []admissionv1.MatchCondition
	for _, w := range old.Webhooks {
		stored = append(stored, w.MatchConditions...)
	}
	compiler := newExpressions(false, conditionTexts(stored))
	names := map[string]bool{}
	for i := range c.Webhooks {
		w, p := &c.Webhooks[i], field.NewPath("webhooks").Index(i)
		errs = append(errs, webhookRules(p, anyWebhook{
			name: w.Name, client: w.ClientConfig, rules: w.Rules, failure: w.FailurePolicy, match: w.MatchPolicy,
			sideEffects: w.SideEffects, timeout: w.TimeoutSeconds, versions: w.AdmissionReviewVersions,
			conditions: w.MatchConditions,
		}, compiler)...)
		errs = append(errs, selector(p.Child("namespaceSelector"), w.NamespaceSelector)...)
		errs = append(errs, selector(p.Child("objectSelector"), w.ObjectSelector)...)
		errs = append(errs, oneOfIfSet(p.Child("reinvocationPolicy"), w.ReinvocationPolicy,
			admissionv1.IfNeededReinvocationPolicy, admissionv1.NeverReinvocationPolicy)...)
		errs = append(errs, unique(p.Child("name"), w.Name, names)...)
	}
	return errs
}

// anyWebhook is what validating and mutating webhooks have in common.
type anyWebhook struct {
	name        string
	client      admissionv1.WebhookClientConfig
	rules       []admissionv1.RuleWithOperations
	failure     *admissionv1.FailurePolicyType
	match       *admissionv1.MatchPolicyType
	sideEffects *admissionv1.SideEffectClass
	timeout     *int32
	versions    []string
	conditions  []admissionv1.MatchCondition
}

func webhookRules(p *field.Path, w anyWebhook, compiler *expressions) field.ErrorList {
	errs := validation.IsFullyQualifiedName(p.Child("name"), w.name)
	errs = append(errs, webhookClient(p.Child("clientConfig"), w.client)...)
	for i := range w.rules {
		errs = append(errs, operationRule(p.Child("rules").Index(i), &w.rules[i])...)
	}
	errs = append(errs, failurePolicy(p, w.failure)...)
	errs = append(errs, matchPolicy(p, w.match)...)
	errs = append(errs, sideEffects(p.Child("sideEffects"), w.sideEffects)...)
	errs = append(errs, reviewVersions(p.Child("admissionReviewVersions"), w.versions)...)
	if t := w.timeout; t != nil && (*t < 1 || *t > maxWebhookSeconds) {
		errs = append(errs, field.Invalid(p.Child("timeoutSeconds"), *t, "the timeout value must be between 1 and 30 seconds"))
	}
	return append(errs, matchConditions(p.Child("matchConditions"), w.conditions, compiler)...)
}

func webhookClient(p *field.Path, c admissionv1.WebhookClientConfig) field.ErrorList {
	switch {
	case (c.URL == nil) == (c.Service == nil):
		return field.ErrorList{field.Required(p, "exactly one of url or service is required")}
	case c.URL != nil:
		return webhook.ValidateWebhookURL(p.Child("url"), *c.URL, true)
	default:
		port := int32(defaultWebhookPort)
		if c.Service.Port != nil {
			port = *c.Service.Port
		}
		return webhook.ValidateWebhookService(p.Child("service"), c.Service.Namespace, c.Service.Name, c.Service.Path, port)
	}
}

func failurePolicy(p *field.Path, f *admissionv1.FailurePolicyType) field.ErrorList {
	return oneOfIfSet(p.Child("failurePolicy"), f, admissionv1.Fail, admissionv1.Ignore)
}

func matchPolicy(p *field.Path, m *admissionv1.MatchPolicyType) field.ErrorList {
	return oneOfIfSet(p.Child("matchPolicy"), m, admissionv1.Equivalent, admissionv1.Exact)
}

// sideEffects must be none that a dry run would have.
func sideEffects(p *field.Path, s *admissionv1.SideEffectClass) field.ErrorList {
	if s == nil {
		return field.ErrorList{field.Required(p, "must specify one of None, NoneOnDryRun")}
	}
	return oneOfIfSet(p, s, admissionv1.SideEffectClassNone, admissionv1.SideEffectClassNoneOnDryRun)
}

// reviewVersions must hold one that the API server speaks.
func reviewVersions(p *field.Path, versions []string) field.ErrorList {
	accepted := []string{"v1", "v1beta1"}
	if len(versions) == 0 {
		return field.ErrorList{field.Required(p, "must specify one of "+strings.Join(accepted, ", "))}
	}
	var errs field.ErrorList
	seen := map[string]bool{}
	for i, v := range versions {
		errs = append(errs, unique(p.Index(i), v, seen)...)
		errs = append(errs, invalidIf(p.Index(i), v, validation.IsDNS1035Label(v))...)
	}
	if !slices.ContainsFunc(accepted, func(v string) bool { return seen[v] }) {
		errs = append(errs, field.Invalid(p, versions, fmt.Sprintf("must include at least one of %s", strings.Join(accepted, ", "))))
	}
	return errs
}
