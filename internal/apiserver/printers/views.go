package printers

import (
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	certificatesv1 "k8s.io/api/certificates/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	eventsv1 "k8s.io/api/events/v1"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// views lists the resources that have a table of their own, by group.
func views() map[schema.GroupResource]view {
	in := func(group, resource string) schema.GroupResource {
		return schema.GroupResource{Group: group, Resource: resource}
	}
	return map[schema.GroupResource]view{
		in(corev1.GroupName, "configmaps"):             configMaps(),
		in(corev1.GroupName, "endpoints"):              endpoints(),
		in(corev1.GroupName, "events"):                 events(),
		in(corev1.GroupName, "limitranges"):            limitRanges(),
		in(corev1.GroupName, "namespaces"):             namespaces(),
		in(corev1.GroupName, "nodes"):                  nodes(),
		in(corev1.GroupName, "pods"):                   pods(),
		in(corev1.GroupName, "replicationcontrollers"): replicationControllers(),
		in(corev1.GroupName, "resourcequotas"):         resourceQuotas(),
		in(corev1.GroupName, "secrets"):                secrets(),
		in(corev1.GroupName, "serviceaccounts"):        serviceAccounts(),
		in(corev1.GroupName, "services"):               services(),

		in(admissionregistrationv1.GroupName, "mutatingadmissionpolicies"):         mutatingPolicies(),
		in(admissionregistrationv1.GroupName, "mutatingadmissionpolicybindings"):   mutatingPolicyBindings(),
		in(admissionregistrationv1.GroupName, "mutatingwebhookconfigurations"):     mutatingWebhooks(),
		in(admissionregistrationv1.GroupName, "validatingadmissionpolicies"):       validatingPolicies(),
		in(admissionregistrationv1.GroupName, "validatingadmissionpolicybindings"): validatingPolicyBindings(),
		in(admissionregistrationv1.GroupName, "validatingwebhookconfigurations"):   validatingWebhooks(),

		in(appsv1.GroupName, "controllerrevisions"): controllerRevisions(),
		in(appsv1.GroupName, "daemonsets"):          daemonSets(),
		in(appsv1.GroupName, "deployments"):         deployments(),
		in(appsv1.GroupName, "replicasets"):         replicaSets(),
		in(batchv1.GroupName, "jobs"):               jobs(),

		in(certificatesv1.GroupName, "certificatesigningrequests"): certificateSigningRequests(),
		in(coordinationv1.GroupName, "leases"):                     leases(),
		in(discoveryv1.GroupName, "endpointslices"):                endpointSlices(),
		in(eventsv1.GroupName, "events"):                           events(),

		in(networkingv1.GroupName, "ingressclasses"): ingressClasses(),
		in(networkingv1.GroupName, "ingresses"):      ingresses(),

		in(rbacv1.GroupName, "clusterrolebindings"): clusterRoleBindings(),
		in(rbacv1.GroupName, "clusterroles"):        clusterRoles(),
		in(rbacv1.GroupName, "rolebindings"):        roleBindings(),
		in(rbacv1.GroupName, "roles"):               roles(),
	}
}
