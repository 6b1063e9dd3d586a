package authz

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apiserver/pkg/authorization/authorizer"
)

type nodeResource struct{ group, name, sub string }

// nodeRule is what a node may with one resource: the verbs, and a check that
// returns why not.
type nodeRule struct {
	verbs []string
	check func(n *Node, node string, a authorizer.Attributes) (reason string)
}

var (
	read   = []string{"get", "list", "watch"}
	change = []string{"update", "patch"}
	create = []string{"create"}
)

// nodeRules is the table of all that nodes may. It is not changed.
var nodeRules = map[nodeResource]nodeRule{
	{"", "nodes", ""}:        {[]string{"get", "list", "watch", "create", "update", "patch"}, ownNode},
	{"", "nodes", "status"}:  {change, ownNode},
	{"", "pods", ""}:         {[]string{"get", "list", "watch", "delete"}, ownPod},
	{"", "pods", "status"}:   {change, ownPod},
	{"", "pods", "eviction"}: {create, ownPod},

	{"", "secrets", ""}:                {read, ofOwnPod("secret", usesSecret)},
	{"", "configmaps", ""}:             {read, ofOwnPod("configmap", usesConfigMap)},
	{"", "persistentvolumeclaims", ""}: {[]string{"get"}, ofOwnPod("persistentvolumeclaim", usesClaim)},
	{"", "serviceaccounts", ""}:        {[]string{"get"}, ofOwnPod("serviceaccount", usesAccount)},
	{"", "serviceaccounts", "token"}:   {create, ofOwnPod("serviceaccount", usesAccount)},

	{"coordination.k8s.io", "leases", ""}: {[]string{"get", "create", "update", "patch", "delete"}, ownLease},

	// Addresses of services are no secret: they are in every pod's environment.
	{"", "services", ""}:                                      {read, anything},
	{"discovery.k8s.io", "endpointslices", ""}:                {read, anything},
	{"", "events", ""}:                                        {[]string{"create", "update", "patch"}, anything},
	{"events.k8s.io", "events", ""}:                           {[]string{"create", "update", "patch"}, anything},
	{"node.k8s.io", "runtimeclasses", ""}:                     {read, anything},
	{"authentication.k8s.io", "tokenreviews", ""}:             {create, anything},
	{"authorization.k8s.io", "subjectaccessreviews", ""}:      {create, anything},
	{"certificates.k8s.io", "certificatesigningrequests", ""}: {[]string{"get", "list", "watch", "create"}, anything},
}

func anything(*Node, string, authorizer.Attributes) string { return "" }

// ownNode allows a create, whose name is not known here, and lists of itself.
func ownNode(_ *Node, node string, a authorizer.Attributes) string {
	if a.GetVerb() == "create" || a.GetName() == node {
		return ""
	}
	return fmt.Sprintf("node '%s' cannot read '%s', only its own Node object", node, a.GetName())
}

func ownLease(_ *Node, node string, a authorizer.Attributes) string {
	if a.GetNamespace() != corev1.NamespaceNodeLease {
		return fmt.Sprintf("can only access leases in the %q system namespace", corev1.NamespaceNodeLease)
	}
	if a.GetVerb() == "create" || a.GetName() == node {
		return ""
	}
	return "can only access node lease with the same name as the requesting node"
}

// ownPod wants a pod that is bound to the node, or a list of such pods.
func ownPod(n *Node, node string, a authorizer.Attributes) string {
	if a.GetName() == "" {
		if selects(a, "spec.nodeName", node) {
			return ""
		}
		return "can only list/watch pods with spec.nodeName field selector"
	}
	isIt := func(pod *corev1.Pod) bool { return pod.Namespace == a.GetNamespace() && pod.Name == a.GetName() }
	if n.bound(node, isIt) {
		return ""
	}
	return unrelated(node)
}

// ofOwnPod wants an object that a pod bound to the node refers to.
func ofOwnPod(kind string, uses func(pod *corev1.Pod, name string) bool) func(*Node, string, authorizer.Attributes) string {
	return func(n *Node, node string, a authorizer.Attributes) string {
		if a.GetName() == "" || a.GetNamespace() == "" {
			return fmt.Sprintf("can only read a %s by its name", kind)
		}
		if n.bound(node, func(pod *corev1.Pod) bool {
			return pod.Namespace == a.GetNamespace() && uses(pod, a.GetName())
		}) {
			return ""
		}
		return unrelated(node)
	}
}

func unrelated(node string) string {
	return fmt.Sprintf("no relationship found between node '%s' and this object", node)
}
