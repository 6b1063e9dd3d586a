package validation_test

import (
	"strings"
	"testing"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/utils/ptr"

	"github.com/causeway-access/causeway/internal/apiserver/validation"
)

func admission(resource string) schema.GroupResource {
	return schema.GroupResource{Group: admissionv1.GroupName, Resource: resource}
}

const oneWebhook = `{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingWebhookConfiguration, metadata: {name: w},
webhooks: [{name: check.example.org, clientConfig: {url: 'https://192.0.2.1/check'}, sideEffects: None, admissionReviewVersions: [v1],
rules: [{apiGroups: [''], apiVersions: [v1], resources: [pods], operations: [CREATE]}],
matchConditions: [{name: not-system, expression: "request.namespace != 'kube-system'"}]}]}`

func TestWebhookIsRefusedWhenCreated(t *testing.T) {
	hook := func(edit func(*admissionv1.ValidatingWebhook)) func(*admissionv1.ValidatingWebhookConfiguration) {
		return func(c *admissionv1.ValidatingWebhookConfiguration) { edit(&c.Webhooks[0]) }
	}
	rule := func(edit func(*admissionv1.RuleWithOperations)) func(*admissionv1.ValidatingWebhookConfiguration) {
		return hook(func(w *admissionv1.ValidatingWebhook) { edit(&w.Rules[0]) })
	}
	resources := func(list ...string) func(*admissionv1.ValidatingWebhookConfiguration) {
		return rule(func(r *admissionv1.RuleWithOperations) { r.Resources = list })
	}
	const p = " webhooks[0]."
	creations(t, admission("validatingwebhookconfigurations"), oneWebhook, []change[*admissionv1.ValidatingWebhookConfiguration]{
		{"a name of two labels", hook(func(w *admissionv1.ValidatingWebhook) { w.Name = "check.org" }), []string{invalid + p + "name"}},
		{"a name twice", func(c *admissionv1.ValidatingWebhookConfiguration) { c.Webhooks = append(c.Webhooks, c.Webhooks[0]) }, []string{duplicate + " webhooks[1].name"}},
		{"no way to it", hook(func(w *admissionv1.ValidatingWebhook) { w.ClientConfig.URL = nil }), []string{required + p + "clientConfig"}},
		{"two ways to it", hook(func(w *admissionv1.ValidatingWebhook) {
			w.ClientConfig.Service = &admissionv1.ServiceReference{Name: "a", Namespace: "b"}
		}), []string{required + p + "clientConfig"}},
		{"plain http", hook(func(w *admissionv1.ValidatingWebhook) { w.ClientConfig.URL = ptr.To("http://192.0.2.1/") }), []string{invalid + p + "clientConfig.url"}},
		{"a service without namespace", hook(func(w *admissionv1.ValidatingWebhook) {
			w.ClientConfig = admissionv1.WebhookClientConfig{Service: &admissionv1.ServiceReference{Name: "a"}}
		}), []string{required + p + "clientConfig.service.namespace"}},
		{"no side effects said", hook(func(w *admissionv1.ValidatingWebhook) { w.SideEffects = nil }), []string{required + p + "sideEffects"}},
		{"some side effects", hook(func(w *admissionv1.ValidatingWebhook) { w.SideEffects = ptr.To(admissionv1.SideEffectClassSome) }), []string{unsupported + p + "sideEffects"}},
		{"31 seconds", hook(func(w *admissionv1.ValidatingWebhook) { w.TimeoutSeconds = ptr.To[int32](31) }), []string{invalid + p + "timeoutSeconds"}},
		{"0 seconds", hook(func(w *admissionv1.ValidatingWebhook) { w.TimeoutSeconds = ptr.To[int32](0) }), []string{invalid + p + "timeoutSeconds"}},
		{"no versions", hook(func(w *admissionv1.ValidatingWebhook) { w.AdmissionReviewVersions = nil }), []string{required + p + "admissionReviewVersions"}},
		{"only unknown versions", hook(func(w *admissionv1.ValidatingWebhook) { w.AdmissionReviewVersions = []string{"v9"} }), []string{invalid + p + "admissionReviewVersions"}},
		{"unknown policy", hook(func(w *admissionv1.ValidatingWebhook) {
			w.FailurePolicy = ptr.To[admissionv1.FailurePolicyType]("Hope")
		}), []string{unsupported + p + "failurePolicy"}},
		{"bad selector", hook(func(w *admissionv1.ValidatingWebhook) {
			w.ObjectSelector = &metav1.LabelSelector{MatchLabels: map[string]string{"a b": ""}}
		}), []string{invalid + p + "objectSelector.matchLabels"}},
		{"no operations", rule(func(r *admissionv1.RuleWithOperations) { r.Operations = nil }), []string{required + p + "rules[0].operations"}},
		{"unknown operation", rule(func(r *admissionv1.RuleWithOperations) { r.Operations[0] = "GET" }), []string{unsupported + p + "rules[0].operations[0]"}},
		{"all operations and one", rule(func(r *admissionv1.RuleWithOperations) { r.Operations = append(r.Operations, "*") }), []string{invalid + p + "rules[0].operations"}},
		{"no groups", rule(func(r *admissionv1.RuleWithOperations) { r.APIGroups = nil }), []string{required + p + "rules[0].apiGroups"}},
		{"all versions and one", rule(func(r *admissionv1.RuleWithOperations) { r.APIVersions = []string{"*", "v1"} }), []string{invalid + p + "rules[0].apiVersions"}},
		{"no resources", resources(), []string{required + p + "rules[0].resources"}},
		{"all resources and one", resources("*", "pods"), []string{invalid + p + "rules[0].resources"}},
		{"all resources and subresources", resources("*", "*/*"), []string{invalid + p + "rules[0].resources"}},
		{"all subresources and one", resources("pods/*", "pods/status"), []string{invalid + p + "rules[0].resources[1]"}},
		{"all resources and a subresource", resources("*", "pods/status"), nil},
		{"unknown scope", rule(func(r *admissionv1.RuleWithOperations) { r.Scope = ptr.To[admissionv1.ScopeType]("All") }), []string{unsupported + p + "rules[0].scope"}},
		{"condition that does not compile", hook(func(w *admissionv1.ValidatingWebhook) { w.MatchConditions[0].Expression = "request." }), []string{invalid + p + "matchConditions[0].expression"}},
		{"condition that is no truth", hook(func(w *admissionv1.ValidatingWebhook) { w.MatchConditions[0].Expression = "1" }), []string{invalid + p + "matchConditions[0].expression"}},
		{"condition without name", hook(func(w *admissionv1.ValidatingWebhook) { w.MatchConditions[0].Name = "" }), []string{required + p + "matchConditions[0].name"}},
		{"65 conditions", hook(func(w *admissionv1.ValidatingWebhook) { w.MatchConditions = make([]admissionv1.MatchCondition, 65) }), []string{many + p + "matchConditions"}},
	})
}

func TestMutatingWebhookIsRefusedWhenCreated(t *testing.T) {
	manifest := strings.Replace(oneWebhook, "Validating", "Mutating", 1)
	creations(t, admission("mutatingwebhookconfigurations"), manifest, []change[*admissionv1.MutatingWebhookConfiguration]{
		{"unknown reinvocation", func(c *admissionv1.MutatingWebhookConfiguration) {
			c.Webhooks[0].ReinvocationPolicy = ptr.To[admissionv1.ReinvocationPolicyType]("Often")
		}, []string{unsupported + " webhooks[0].reinvocationPolicy"}},
		{"31 seconds", func(c *admissionv1.MutatingWebhookConfiguration) {
			c.Webhooks[0].TimeoutSeconds = ptr.To[int32](31)
		}, []string{invalid + " webhooks[0].timeoutSeconds"}},
	})
}

const onePolicy = `{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingAdmissionPolicy, metadata: {name: limit.example.org}, spec: {
paramKind: {apiVersion: v1, kind: ConfigMap},
matchConstraints: {resourceRules: [{apiGroups: [''], apiVersions: [v1], resources: [services], operations: [CREATE]}]},
variables: [{name: ports, expression: 'object.spec.ports'}],
validations: [{expression: 'size(variables.ports) < int(params.data.max)', message: too many, messageExpression: "'at most ' + params.data.max", reason: Forbidden}],
auditAnnotations: [{key: ports, valueExpression: 'string(size(variables.ports))'}]}}`

func TestPolicyIsRefusedWhenCreated(t *testing.T) {
	check := func(edit func(*admissionv1.Validation)) func(*admissionv1.ValidatingAdmissionPolicy) {
		return func(p *admissionv1.ValidatingAdmissionPolicy) { edit(&p.Spec.Validations[0]) }
	}
	const v = " spec.validations[0]."
	creations(t, admission("validatingadmissionpolicies"), onePolicy, []change[*admissionv1.ValidatingAdmissionPolicy]{
		{"no constraints", func(p *admissionv1.ValidatingAdmissionPolicy) { p.Spec.MatchConstraints = nil }, []string{required + " spec.matchConstraints"}},
		{"no rules", func(p *admissionv1.ValidatingAdmissionPolicy) { p.Spec.MatchConstraints.ResourceRules = nil }, []string{required + " spec.matchConstraints.resourceRules"}},
		{"nothing to do", func(p *admissionv1.ValidatingAdmissionPolicy) {
			p.Spec.Validations, p.Spec.AuditAnnotations = nil, nil
		}, []string{required + " spec.auditAnnotations", required + " spec.validations"}},
		{"no expression", check(func(c *admissionv1.Validation) { c.Expression = " " }), []string{required + v + "expression"}},
		{"expression that does not parse", check(func(c *admissionv1.Validation) { c.Expression = "object." }), []string{invalid + v + "expression"}},
		{"expression of an unknown thing", check(func(c *admissionv1.Validation) { c.Expression = "thing == 1" }), []string{invalid + v + "expression"}},
		{"expression of an unknown variable", check(func(c *admissionv1.Validation) { c.Expression = "variables.other == 1" }), []string{invalid + v + "expression"}},
		{"expression that is no truth", check(func(c *admissionv1.Validation) { c.Expression = "'yes'" }), []string{invalid + v + "expression"}},
		{"message of two lines", check(func(c *admissionv1.Validation) { c.Message = "a\nb" }), []string{invalid + v + "message"}},
		{"expression of two lines without message", check(func(c *admissionv1.Validation) { c.Expression, c.Message = "true\n", "" }), []string{required + v + "message"}},
		{"message that is no text", check(func(c *admissionv1.Validation) { c.MessageExpression = "1" }), []string{invalid + v + "messageExpression"}},
		{"message that asks for rights", check(func(c *admissionv1.Validation) {
			c.MessageExpression = "string(authorizer.path('/').check('get').allowed())"
		}), []string{invalid + v + "messageExpression"}},
		{"unknown reason", check(func(c *admissionv1.Validation) { c.Reason = ptr.To[metav1.StatusReason]("Mood") }), []string{unsupported + v + "reason"}},
		{"params that are not declared", func(p *admissionv1.ValidatingAdmissionPolicy) { p.Spec.ParamKind = nil }, []string{invalid + v + "expression", invalid + v + "messageExpression"}},
		{"param of a bad version", func(p *admissionv1.ValidatingAdmissionPolicy) { p.Spec.ParamKind.APIVersion = "a/b/c" }, []string{invalid + " spec.paramKind.apiVersion"}},
		{"param without kind", func(p *admissionv1.ValidatingAdmissionPolicy) { p.Spec.ParamKind.Kind = "" }, []string{required + " spec.paramKind.kind"}},
		{"variable that cannot be named so", func(p *admissionv1.ValidatingAdmissionPolicy) {
			p.Spec.Variables = append(p.Spec.Variables, admissionv1.Variable{Name: "in", Expression: "1"}, admissionv1.Variable{Name: "a-b", Expression: "1"})
		}, []string{invalid + " spec.variables[1].name", invalid + " spec.variables[2].name"}},
		{"variable twice", func(p *admissionv1.ValidatingAdmissionPolicy) {
			p.Spec.Variables = append(p.Spec.Variables, p.Spec.Variables[0])
		}, []string{duplicate + " spec.variables[1].name"}},
		{"annotation without key", func(p *admissionv1.ValidatingAdmissionPolicy) { p.Spec.AuditAnnotations[0].Key = "" }, []string{required + " spec.auditAnnotations[0].key"}},
		{"annotation without value", func(p *admissionv1.ValidatingAdmissionPolicy) { p.Spec.AuditAnnotations[0].ValueExpression = "" }, []string{required + " spec.auditAnnotations[0].valueExpression"}},
	})
}

func TestPolicyBindingIsRefusedWhenCreated(t *testing.T) {
	const manifest = `{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingAdmissionPolicyBinding, metadata: {name: b},
spec: {policyName: limit.example.org, validationActions: [Deny], paramRef: {name: p, namespace: default, parameterNotFoundAction: Deny}}}`
	type policyBinding = admissionv1.ValidatingAdmissionPolicyBinding
	creations(t, admission("validatingadmissionpolicybindings"), manifest, []change[*policyBinding]{
		{"no policy", func(b *policyBinding) { b.Spec.PolicyName = "" }, []string{required + " spec.policyName"}},
		{"no actions", func(b *policyBinding) { b.Spec.ValidationActions = nil }, []string{required + " spec.validationActions"}},
		{"unknown action", func(b *policyBinding) { b.Spec.ValidationActions[0] = "Sing" }, []string{unsupported + " spec.validationActions[0]"}},
		{"deny and warn", func(b *policyBinding) { b.Spec.ValidationActions = append(b.Spec.ValidationActions, "Warn") }, []string{invalid + " spec.validationActions"}},
		{"params by name and selector", func(b *policyBinding) { b.Spec.ParamRef.Selector = &metav1.LabelSelector{} }, []string{forbidden + " spec.paramRef.name", forbidden + " spec.paramRef.selector"}},
		{"params by nothing", func(b *policyBinding) { b.Spec.ParamRef.Name = "" }, []string{required + " spec.paramRef"}},
		{"params missing, undecided", func(b *policyBinding) { b.Spec.ParamRef.ParameterNotFoundAction = nil }, []string{required + " spec.paramRef.parameterNotFoundAction"}},
	})
}

func TestMutatingPolicyIsRefusedWhenCreated(t *testing.T) {
	const manifest = `{apiVersion: admissionregistration.k8s.io/v1, kind: MutatingAdmissionPolicy, metadata: {name: m}, spec: {
matchConstraints: {resourceRules: [{apiGroups: [''], apiVersions: [v1], resources: [pods], operations: [CREATE]}]}, reinvocationPolicy: Never,
mutations: [{patchType: ApplyConfiguration, applyConfiguration: {expression: "Object{metadata: Object.metadata{labels: {'a': 'b'}}}"}},
{patchType: JSONPatch, jsonPatch: {expression: "[JSONPatch{op: 'add', path: '/metadata/labels/a', value: 'b'}]"}}]}}`
	type policy = admissionv1.MutatingAdmissionPolicy
	creations(t, admission("mutatingadmissionpolicies"), manifest, []change[*policy]{
		{"no mutations", func(p *policy) { p.Spec.Mutations = nil }, []string{required + " spec.mutations"}},
		{"no reinvocation", func(p *policy) { p.Spec.ReinvocationPolicy = "" }, []string{required + " spec.reinvocationPolicy"}},
		{"unknown patch", func(p *policy) { p.Spec.Mutations[0].PatchType = "Diff" }, []string{unsupported + " spec.mutations[0].patchType"}},
		{"patch of the other type", func(p *policy) { p.Spec.Mutations[0].PatchType = "JSONPatch" }, []string{forbidden + " spec.mutations[0].applyConfiguration", required + " spec.mutations[0].jsonPatch"}},
		{"patch that is no object", func(p *policy) { p.Spec.Mutations[0].ApplyConfiguration.Expression = "1" }, []string{invalid + " spec.mutations[0].applyConfiguration.expression"}},
		{"patch that is no list", func(p *policy) { p.Spec.Mutations[1].JSONPatch.Expression = "{}" }, []string{invalid + " spec.mutations[1].jsonPatch.expression"}},
	})
}

// An expression that was accepted once is compiled by what was known then, so
// that upgrades do not lock policies; a new one has no such grace.
func TestPolicyUpdateCompilesWhatIsNew(t *testing.T) {
	old := stored[*admissionv1.ValidatingAdmissionPolicy](t, onePolicy)
	updates(t, validation.For(admission("validatingadmissionpolicies")).Update, old, []change[*admissionv1.ValidatingAdmissionPolicy]{
		{"labels", func(p *admissionv1.ValidatingAdmissionPolicy) { p.Labels = map[string]string{"a": "b"} }, nil},
		{"a new expression", func(p *admissionv1.ValidatingAdmissionPolicy) { p.Spec.Validations[0].Expression = "nothing" }, []string{invalid + " spec.validations[0].expression"}},
	})
}
