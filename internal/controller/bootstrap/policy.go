package bootstrap

import (
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// The API groups that the default roles speak of.
const (
	coreGroup           = ""
	appsGroup           = "apps"
	batchGroup          = "batch"
	authenticationGroup = "authentication.k8s.io"
	authorizationGroup  = "authorization.k8s.io"
	certificatesGroup   = "certificates.k8s.io"
	coordinationGroup   = "coordination.k8s.io"
	discoveryGroup      = "discovery.k8s.io"
	metricsGroup        = "metrics.k8s.io"
	eventsGroup         = "events.k8s.io"
	networkingGroup     = "networking.k8s.io"
)

// The verbs of those who look on and of those who change.
var (
	reading = []string{"get", "list", "watch"}
	writing = []string{"create", "delete", "deletecollection", "patch", "update"}
	all     = []string{"create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"}
)

// allow is the rule that verbs may be done to resources of a group.
func allow(verbs []string, group string, resources ...string) rbacv1.PolicyRule {
	return rbacv1.PolicyRule{Verbs: verbs, APIGroups: []string{group}, Resources: resources}
}

// named narrows a rule to objects of these names.
func named(rule rbacv1.PolicyRule, names ...string) rbacv1.PolicyRule {
	rule.ResourceNames = names
	return rule
}

// allowPaths is the rule that URLs outside the API groups may be read.
func allowPaths(paths ...string) rbacv1.PolicyRule {
	return rbacv1.PolicyRule{Verbs: do("get"), NonResourceURLs: paths}
}

func do(verbs ...string) []string { return verbs }

func clusterRole(name string, rules ...rbacv1.PolicyRule) rbacv1.ClusterRole {
	return rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: name}, Rules: rules}
}

// clusterRoles is all default cluster roles.
func clusterRoles() []rbacv1.ClusterRole {
	var roles []rbacv1.ClusterRole
	roles = append(roles, userRoles()...)
	roles = append(roles, publicRoles()...)
	roles = append(roles, nodeRoles()...)
	roles = append(roles, componentRoles()...)
	roles = append(roles, controllerRoles()...)
	return roles
}

// publicRoles is what everybody may, more or less.
func publicRoles() []rbacv1.ClusterRole {
	health := []string{"/healthz", "/livez", "/readyz", "/version", "/version/"}
	discovery := append([]string{"/openapi", "/openapi/*", "/api", "/api/*", "/apis", "/apis/*"}, health...)
	return []rbacv1.ClusterRole{
		clusterRole("system:public-info-viewer", allowPaths(health...)),
		clusterRole("system:discovery", allowPaths(discovery...)),
		clusterRole("system:basic-user",
			allow(do("create"), authorizationGroup, "selfsubjectaccessreviews", "selfsubjectrulesreviews"),
			allow(do("create"), authenticationGroup, "selfsubjectreviews")),
		clusterRole("system:service-account-issuer-discovery",
			allowPaths("/.well-known/openid-configuration", "/.well-known/openid-configuration/",
				"/openid/v1/jwks", "/openid/v1/jwks/")),
	}
}

// componentRoles is what programs beside the API server need.
func componentRoles() []rbacv1.ClusterRole {
	return []rbacv1.ClusterRole{
		clusterRole("system:auth-delegator",
			allow(do("create"), authenticationGroup, "tokenreviews"),
			allow(do("create"), authorizationGroup, "subjectaccessreviews")),
		clusterRole("system:monitoring",
			allowPaths("/healthz", "/healthz/*", "/livez", "/livez/*", "/metrics", "/metrics/slis",
				"/readyz", "/readyz/*")),
		clusterRole("system:kube-dns",
			allow(do("list", "watch"), coreGroup, "endpoints", "services"),
			allow(do("list", "watch"), discoveryGroup, "endpointslices")),
		approver("kube-apiserver-client"),
		approver("kube-apiserver-client-kubelet"),
		approver("kubelet-serving"),
	}
}

// approver may approve what is asked of one of Kubernetes' signers.
func approver(signer string) rbacv1.ClusterRole {
	return clusterRole("system:certificates.k8s.io:"+signer+"-approver",
		named(allow(do("approve"), certificatesGroup, "signers"), "kubernetes.io/"+signer))
}

// nodeSettingsReader lets nodes read what they have to know of the cluster.
const nodeSettingsReader = "causeway:node-settings-reader"

// clusterInfoReader lets everybody who can reach the API read how to know it.
const clusterInfoReader = "causeway:cluster-info-reader"

// roles is the default roles inside namespaces.
func roles() []rbacv1.Role {
	return []rbacv1.Role{{
		ObjectMeta: metav1.ObjectMeta{Name: clusterInfoReader, Namespace: metav1.NamespacePublic},
		Rules:      []rbacv1.PolicyRule{named(allow(do("get"), coreGroup, "configmaps"), clusterInfo)},
	}, {
		ObjectMeta: metav1.ObjectMeta{Name: nodeSettingsReader, Namespace: metav1.NamespaceSystem},
		Rules:      []rbacv1.PolicyRule{named(allow(do("get"), coreGroup, "configmaps"), nodeSettings)},
	}}
}
