package admissionregistration

import (
	admissionv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
)

const (
	webhookTimeoutSeconds = 10
	webhookServicePort    = 443
)

// SetDefaults_ValidatingWebhook fails closed and matches every object.
func SetDefaults_ValidatingWebhook(obj *admissionv1.ValidatingWebhook) {
	set(&obj.FailurePolicy, admissionv1.Fail)
	set(&obj.MatchPolicy, admissionv1.Equivalent)
	set(&obj.NamespaceSelector, metav1.LabelSelector{})
	set(&obj.ObjectSelector, metav1.LabelSelector{})
	set(&obj.TimeoutSeconds, webhookTimeoutSeconds)
}

// SetDefaults_MutatingWebhook fails closed, matches every object and is asked
// once.
func SetDefaults_MutatingWebhook(obj *admissionv1.MutatingWebhook) {
	set(&obj.FailurePolicy, admissionv1.Fail)
	set(&obj.MatchPolicy, admissionv1.Equivalent)
	set(&obj.NamespaceSelector, metav1.LabelSelector{})
	set(&obj.ObjectSelector, metav1.LabelSelector{})
	set(&obj.TimeoutSeconds, webhookTimeoutSeconds)
	set(&obj.ReinvocationPolicy, admissionv1.NeverReinvocationPolicy)
}

// SetDefaults_Rule matches resources of a namespace and of the cluster alike.
func SetDefaults_Rule(obj *admissionv1.Rule) { set(&obj.Scope, admissionv1.AllScopes) }

// SetDefaults_ServiceReference calls the webhook at the port of HTTPS.
func SetDefaults_ServiceReference(obj *admissionv1.ServiceReference) {
	set(&obj.Port, webhookServicePort)
}

// SetDefaults_ValidatingAdmissionPolicySpec fails closed.
func SetDefaults_ValidatingAdmissionPolicySpec(obj *admissionv1.ValidatingAdmissionPolicySpec) {
	set(&obj.FailurePolicy, admissionv1.Fail)
}

// SetDefaults_MutatingAdmissionPolicySpec fails closed.
func SetDefaults_MutatingAdmissionPolicySpec(obj *admissionv1.MutatingAdmissionPolicySpec) {
	set(&obj.FailurePolicy, admissionv1.Fail)
}

// SetDefaults_MatchResources matches every object; the policy plugins do not
// accept selectors that are absent.
func SetDefaults_MatchResources(obj *admissionv1.MatchResources) {
	set(&obj.MatchPolicy, admissionv1.Equivalent)
	set(&obj.NamespaceSelector, metav1.LabelSelector{})
	set(&obj.ObjectSelector, metav1.LabelSelector{})
}

// set gives *field a value if it has none.
func set[T any](field **T, value T) {
	if *field == nil {
		*field = ptr.To(value)
	}
}
