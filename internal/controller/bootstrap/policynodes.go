package bootstrap

import rbacv1 "k8s.io/api/rbac/v1"

const (
	nodeBootstrapper = "system:node-bootstrapper"
	csrNodeClient    = "system:certificates.k8s.io:certificatesigningrequests:nodeclient"
	csrSelfNode      = "system:certificates.k8s.io:certificatesigningrequests:selfnodeclient"
	nodeProxier      = "system:node-proxier"
	nodeDNS          = "causeway:node-dns"
)

// nodeRoles is what nodes and what runs on them need. `system:node` is bound to
// nobody: the node authoriser allows each node the part that is its own.
func nodeRoles() []rbacv1.ClusterRole {
	return []rbacv1.ClusterRole{
		clusterRole("system:node", nodeRules()...),
		clusterRole(nodeBootstrapper,
			allow(do("create", "get", "list", "watch"), certificatesGroup, "certificatesigningrequests")),
		clusterRole(csrNodeClient, allow(do("create"), certificatesGroup, "certificatesigningrequests/nodeclient")),
		clusterRole(csrSelfNode, allow(do("create"), certificatesGroup, "certificatesigningrequests/selfnodeclient")),
		clusterRole(nodeProxier,
			allow(do("list", "watch"), coreGroup, "endpoints", "services"),
			allow(reading, coreGroup, "nodes"),
			allow(do("create", "patch", "update"), coreGroup, "events"),
			allow(do("create", "patch", "update"), eventsGroup, "events"),
			allow(do("list", "watch"), discoveryGroup, "endpointslices")),
		// Services and their endpoints each node may read; of namespaces, DNS
		// has to know which there are.
		clusterRole(nodeDNS, allow(do("list", "watch"), coreGroup, "namespaces")),
		clusterRole("system:kubelet-api-admin",
			allow(reading, coreGroup, "nodes"),
			allow(do("proxy"), coreGroup, "nodes"),
			allow(do("*"), coreGroup, "nodes/configz", "nodes/healthz", "nodes/log", "nodes/metrics", "nodes/pods",
				"nodes/proxy", "nodes/stats")),
	}
}

func nodeRules() []rbacv1.PolicyRule {
	return []rbacv1.PolicyRule{
		allow(do("create"), authenticationGroup, "tokenreviews"),
		allow(do("create"), authorizationGroup, "localsubjectaccessreviews", "subjectaccessreviews"),
		allow(reading, coreGroup, "services"),
		allow(do("create", "get", "list", "watch"), coreGroup, "nodes"),
		allow(do("patch", "update"), coreGroup, "nodes", "nodes/status"),
		allow(do("create", "patch", "update"), coreGroup, "events"),
		allow(do("create", "patch", "update"), eventsGroup, "events"),
		allow(reading, coreGroup, "pods"),
		allow(do("create", "delete"), coreGroup, "pods"),
		allow(do("patch", "update"), coreGroup, "pods/status"),
		allow(do("create"), coreGroup, "pods/eviction"),
		allow(reading, coreGroup, "configmaps", "secrets"),
		allow(do("get"), coreGroup, "endpoints", "serviceaccounts"),
		allow(do("create"), coreGroup, "serviceaccounts/token"),
		allow(do("create", "get", "list", "watch"), certificatesGroup, "certificatesigningrequests"),
		allow(do("create", "delete", "get", "patch", "update"), coordinationGroup, "leases"),
	}
}
