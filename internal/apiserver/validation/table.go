// Package validation says which objects the API server accepts: the rules of
// each served kind, in Kubernetes' words, with the path of the field at fault.
//
// It is a part of the API server (floor 2) and pure: no rule looks at
// anything but the object, and its predecessor on update.
package validation

import (
	admissionv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	certificatesv1 "k8s.io/api/certificates/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	eventsv1 "k8s.io/api/events/v1"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// Rules are the checks of one kind. A nil function checks nothing beyond
// what the generic registry checks of every object's metadata.
type Rules struct {
	// Create checks a new object, after defaulting.
	Create func(obj runtime.Object) field.ErrorList
	// Update checks a changed object against the stored one; it includes
	// the checks of Create that still apply.
	Update func(obj, old runtime.Object) field.ErrorList
	// Status checks a write to the status subresource.
	Status func(obj, old runtime.Object) field.ErrorList
}

// For returns the rules of a resource, the zero Rules if it has none.
func For(resource schema.GroupResource) Rules { return table()[resource] }

// rules adapts checks written for one type. Any of them may be nil.
func rules[T runtime.Object](create func(T) field.ErrorList, update, status func(obj, old T) field.ErrorList) Rules {
	var r Rules
	if create != nil {
		r.Create = func(obj runtime.Object) field.ErrorList { return create(obj.(T)) }
	}
	if update != nil {
		r.Update = func(obj, old runtime.Object) field.ErrorList { return update(obj.(T), old.(T)) }
	}
	if status != nil {
		r.Status = func(obj, old runtime.Object) field.ErrorList { return status(obj.(T), old.(T)) }
	}
	return r
}

// table lists every kind that has rules, by group.
func table() map[schema.GroupResource]Rules {
	return map[schema.GroupResource]Rules{
		{Resource: "pods"}:                         rules(pod, podUpdate, podStatus),
		{Resource: "pods/binding"}:                 rules(binding, nil, nil),
		{Resource: "pods/ephemeralcontainers"}:     rules(nil, ephemeralContainersUpdate, nil),
		{Resource: "pods/eviction"}:                rules(eviction, nil, nil),
		{Resource: "replicationcontrollers"}:       rules(replicationController, replicationControllerUpdate, replicationControllerStatus),
		{Resource: "replicationcontrollers/scale"}: rules(nil, scaleUpdate, nil),

		{Resource: "configmaps"}:      rules(configMap, configMapUpdate, nil),
		{Resource: "endpoints"}:       rules(endpoints, endpointsUpdate, nil),
		{Resource: "events"}:          rules(event, eventUpdate, nil),
		{Resource: "limitranges"}:     rules(limitRange, limitRangeUpdate, nil),
		{Resource: "namespaces"}:      rules(namespace, namespaceUpdate, namespaceStatus),
		{Resource: "nodes"}:           rules(node, nodeUpdate, nodeStatus),
		{Resource: "resourcequotas"}:  rules(resourceQuota, resourceQuotaUpdate, resourceQuotaStatus),
		{Resource: "secrets"}:         rules(secret, secretUpdate, nil),
		{Resource: "serviceaccounts"}: rules(serviceAccount, serviceAccountUpdate, nil),
		{Resource: "services"}:        rules(service, serviceUpdate, serviceStatus),

		{Group: appsv1.GroupName, Resource: "controllerrevisions"}: rules(controllerRevision, controllerRevisionUpdate, nil),
		{Group: appsv1.GroupName, Resource: "daemonsets"}:          rules(daemonSet, daemonSetUpdate, daemonSetStatus),
		{Group: appsv1.GroupName, Resource: "deployments"}:         rules(deployment, deploymentUpdate, deploymentStatus),
		{Group: appsv1.GroupName, Resource: "replicasets"}:         rules(replicaSet, replicaSetUpdate, replicaSetStatus),
		{Group: batchv1.GroupName, Resource: "jobs"}:               rules(job, jobUpdate, jobStatus),

		{Group: admissionv1.GroupName, Resource: "mutatingadmissionpolicies"}:         rules(mutatingPolicy, mutatingPolicyUpdate, nil),
		{Group: admissionv1.GroupName, Resource: "mutatingadmissionpolicybindings"}:   rules(mutatingBinding, mutatingBindingUpdate, nil),
		{Group: admissionv1.GroupName, Resource: "mutatingwebhookconfigurations"}:     rules(mutatingWebhooks, mutatingWebhooksUpdate, nil),
		{Group: admissionv1.GroupName, Resource: "validatingadmissionpolicies"}:       rules(validatingPolicy, validatingPolicyUpdate, validatingPolicyStatus),
		{Group: admissionv1.GroupName, Resource: "validatingadmissionpolicybindings"}: rules(validatingBinding, validatingBindingUpdate, nil),
		{Group: admissionv1.GroupName, Resource: "validatingwebhookconfigurations"}:   rules(validatingWebhooks, validatingWebhooksUpdate, nil),

		{Group: certificatesv1.GroupName, Resource: "certificatesigningrequests"}: rules(signingRequest, signingRequestUpdate, signingRequestStatus),
		{Group: coordinationv1.GroupName, Resource: "leases"}:                     rules(lease, leaseUpdate, nil),
		{Group: discoveryv1.GroupName, Resource: "endpointslices"}:                rules(endpointSlice, endpointSliceUpdate, nil),
		{Group: eventsv1.GroupName, Resource: "events"}:                           rules(newEvent, newEventUpdate, nil),

		{Group: networkingv1.GroupName, Resource: "ingressclasses"}: rules(ingressClass, ingressClassUpdate, nil),
		{Group: networkingv1.GroupName, Resource: "ingresses"}:      rules(ingress, ingressUpdate, ingressStatus),

		{Group: rbacv1.GroupName, Resource: "clusterrolebindings"}: rules(clusterRoleBinding, clusterRoleBindingUpdate, nil),
		{Group: rbacv1.GroupName, Resource: "clusterroles"}:        rules(clusterRole, clusterRoleUpdate, nil),
		{Group: rbacv1.GroupName, Resource: "rolebindings"}:        rules(roleBinding, roleBindingUpdate, nil),
		{Group: rbacv1.GroupName, Resource: "roles"}:               rules(role, roleUpdate, nil),
	}
}
