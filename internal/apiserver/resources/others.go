package resources

import (
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"

	"github.com/causeway-access/causeway/internal/apiserver/registry"
)

func (b *builder) coordination() served {
	leases := registry.Define[coordinationv1.Lease, coordinationv1.LeaseList](coordinationv1.SchemeGroupVersion, "Lease", "leases", "lease")
	leases.CreateOnUpdate = true
	return b.add(served{}, leases)
}

func (b *builder) discovery() served {
	slices := registry.Define[discoveryv1.EndpointSlice, discoveryv1.EndpointSliceList](discoveryv1.SchemeGroupVersion, "EndpointSlice", "endpointslices", "endpointslice")
	return b.add(served{}, slices)
}

func (b *builder) networking() served {
	gv := networkingv1.SchemeGroupVersion
	ingresses := registry.Define[networkingv1.Ingress, networkingv1.IngressList](gv, "Ingress", "ingresses", "ingress")
	ingresses.Short, ingresses.Status, ingresses.Generation = []string{"ing"}, true, true
	classes := registry.Define[networkingv1.IngressClass, networkingv1.IngressClassList](gv, "IngressClass", "ingressclasses", "ingressclass")
	classes.Namespaced, classes.Generation = false, true
	return b.add(served{}, ingresses, classes)
}

func (b *builder) admissionregistration() served {
	gv := admissionregistrationv1.SchemeGroupVersion
	validatingWebhooks := registry.Define[admissionregistrationv1.ValidatingWebhookConfiguration, admissionregistrationv1.ValidatingWebhookConfigurationList](
		gv, "ValidatingWebhookConfiguration", "validatingwebhookconfigurations", "validatingwebhookconfiguration")
	mutatingWebhooks := registry.Define[admissionregistrationv1.MutatingWebhookConfiguration, admissionregistrationv1.MutatingWebhookConfigurationList](
		gv, "MutatingWebhookConfiguration", "mutatingwebhookconfigurations", "mutatingwebhookconfiguration")
	policies := registry.Define[admissionregistrationv1.ValidatingAdmissionPolicy, admissionregistrationv1.ValidatingAdmissionPolicyList](
		gv, "ValidatingAdmissionPolicy", "validatingadmissionpolicies", "validatingadmissionpolicy")
	policies.Status, policies.Generation = true, true
	bindings := registry.Define[admissionregistrationv1.ValidatingAdmissionPolicyBinding, admissionregistrationv1.ValidatingAdmissionPolicyBindingList](
		gv, "ValidatingAdmissionPolicyBinding", "validatingadmissionpolicybindings", "validatingadmissionpolicybinding")
	mutatingPolicies := registry.Define[admissionregistrationv1.MutatingAdmissionPolicy, admissionregistrationv1.MutatingAdmissionPolicyList](
		gv, "MutatingAdmissionPolicy", "mutatingadmissionpolicies", "mutatingadmissionpolicy")
	mutatingBindings := registry.Define[admissionregistrationv1.MutatingAdmissionPolicyBinding, admissionregistrationv1.MutatingAdmissionPolicyBindingList](
		gv, "MutatingAdmissionPolicyBinding", "mutatingadmissionpolicybindings", "mutatingadmissionpolicybinding")
	all := []*registry.Resource{validatingWebhooks, mutatingWebhooks, policies, bindings, mutatingPolicies, mutatingBindings}
	for _, r := range all {
		r.Namespaced = false
		r.Categories = []string{"api-extensions"}
	}
	return b.add(served{}, all...)
}
