package bootstrap

import (
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// userRoles is what people are given: everything, or the three roles for a
// namespace. Those have no rules of their own but gather the rules of all roles
// with their label, which is how a new kind gets into them.
func userRoles() []rbacv1.ClusterRole {
	return []rbacv1.ClusterRole{
		clusterRole("cluster-admin",
			allow(do("*"), "*", "*"),
			rbacv1.PolicyRule{Verbs: do("*"), NonResourceURLs: []string{"*"}}),
		gathering("admin", nil),
		gathering("edit", map[string]string{aggregateTo("admin"): "true"}),
		gathering("view", map[string]string{aggregateTo("edit"): "true"}),
		gathered("admin", adminRules()...),
		gathered("edit", editRules()...),
		gathered("view", viewRules()...),
		metricsReader(),
	}
}

// metricsReader lets those who may view see what pods and nodes use; the name is
// that which the metrics server's own manifests have.
func metricsReader() rbacv1.ClusterRole {
	role := clusterRole("system:aggregated-metrics-reader", allow(reading, metricsGroup, "nodes", "pods"))
	role.Labels = map[string]string{aggregateTo("view"): "true"}
	return role
}

func aggregateTo(role string) string { return rbacv1.GroupName + "/aggregate-to-" + role }

// gathering is the role that gathers, and is itself gathered by labels.
func gathering(name string, labels map[string]string) rbacv1.ClusterRole {
	return rbacv1.ClusterRole{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels},
		AggregationRule: &rbacv1.AggregationRule{ClusterRoleSelectors: []metav1.LabelSelector{
			{MatchLabels: map[string]string{aggregateTo(name): "true"}},
		}},
	}
}

// gathered is the role that holds the default rules of the role called name.
func gathered(name string, rules ...rbacv1.PolicyRule) rbacv1.ClusterRole {
	role := clusterRole("system:aggregate-to-"+name, rules...)
	role.Labels = map[string]string{aggregateTo(name): "true"}
	return role
}

// adminRules adds to editing: to give others rights in the namespace.
func adminRules() []rbacv1.PolicyRule {
	return []rbacv1.PolicyRule{
		allow(do("create"), authorizationGroup, "localsubjectaccessreviews"),
		allow(all, rbacv1.GroupName, "roles", "rolebindings"),
	}
}

// editRules adds to viewing: to change, to read secrets, and to act as a
// service account, which is why `edit` is as much as all accounts of its
// namespace may. Endpoints are not in it: who writes them can have the proxy
// connect anywhere (CVE-2021-25740).
func editRules() []rbacv1.PolicyRule {
	return []rbacv1.PolicyRule{
		allow(reading, coreGroup, "pods/attach", "pods/exec", "pods/portforward", "pods/proxy", "secrets",
			"services/portforward", "services/proxy"),
		allow(do("impersonate"), coreGroup, "serviceaccounts"),
		allow(writing, coreGroup, "pods", "pods/attach", "pods/exec", "pods/portforward", "pods/proxy"),
		allow(do("create"), coreGroup, "pods/eviction"),
		allow(writing, coreGroup, "configmaps", "events", "replicationcontrollers", "replicationcontrollers/scale",
			"secrets", "serviceaccounts", "services", "services/portforward", "services/proxy"),
		allow(do("create"), coreGroup, "serviceaccounts/token"),
		allow(writing, appsGroup, "daemonsets", "deployments", "deployments/rollback", "deployments/scale", "replicasets", "replicasets/scale"),
		allow(writing, batchGroup, "jobs"),
		allow(writing, networkingGroup, "ingresses"),
		allow(all, coordinationGroup, "leases"),
	}
}

// viewRules is all that holds no secret.
func viewRules() []rbacv1.PolicyRule {
	return []rbacv1.PolicyRule{
		allow(reading, coreGroup, "configmaps", "endpoints", "pods", "replicationcontrollers",
			"replicationcontrollers/scale", "serviceaccounts", "services", "services/status"),
		allow(reading, coreGroup, "bindings", "events", "limitranges", "namespaces/status", "pods/log", "pods/status",
			"replicationcontrollers/status", "resourcequotas", "resourcequotas/status"),
		allow(reading, coreGroup, "namespaces"),
		allow(reading, appsGroup, "controllerrevisions", "daemonsets", "daemonsets/status",
			"deployments", "deployments/scale", "deployments/status", "replicasets", "replicasets/scale", "replicasets/status"),
		allow(reading, batchGroup, "jobs", "jobs/status"),
		allow(reading, discoveryGroup, "endpointslices"),
		allow(reading, networkingGroup, "ingresses", "ingresses/status"),
	}
}
