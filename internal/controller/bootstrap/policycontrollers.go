package bootstrap

import (
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// controllerPrefix begins the names of the roles of controllers.
const controllerPrefix = "system:controller:"

// workloadController is a controller as Kubernetes gives it an account and a
// role of its own. Those of this program have every right, since they run
// beside the API server; who runs one of them elsewhere finds the role here.
type workloadController struct {
	name  string
	rules []rbacv1.PolicyRule
}

func eventRules() []rbacv1.PolicyRule {
	return []rbacv1.PolicyRule{
		allow(do("create", "patch", "update"), coreGroup, "events"),
		allow(do("create", "patch", "update"), eventsGroup, "events"),
	}
}

func workloadControllers() []workloadController {
	with := func(rules ...rbacv1.PolicyRule) []rbacv1.PolicyRule { return append(rules, eventRules()...) }
	return []workloadController{
		{"daemon-set-controller", with(
			allow(do("get", "list", "watch"), appsGroup, "daemonsets"),
			allow(do("update"), appsGroup, "daemonsets/finalizers", "daemonsets/status"),
			allow(do("list", "watch"), coreGroup, "nodes"),
			allow(do("create", "delete", "list", "patch", "watch"), coreGroup, "pods"),
			allow(do("create"), coreGroup, "pods/binding"),
			allow(do("create", "delete", "get", "list", "patch", "update", "watch"), appsGroup, "controllerrevisions"),
		)},
		{"deployment-controller", with(
			allow(do("get", "list", "update", "watch"), appsGroup, "deployments"),
			allow(do("update"), appsGroup, "deployments/finalizers", "deployments/status"),
			allow(do("create", "delete", "get", "list", "patch", "update", "watch"), appsGroup, "replicasets"),
			allow(do("get", "list", "update", "watch"), coreGroup, "pods"),
		)},
		{"job-controller", with(
			allow(do("get", "list", "patch", "update", "watch"), batchGroup, "jobs"),
			allow(do("update"), batchGroup, "jobs/finalizers", "jobs/status"),
			allow(do("create", "delete", "get", "list", "patch", "watch"), coreGroup, "pods"),
		)},
		{"node-controller", with(
			allow(do("delete", "get", "list", "patch", "update", "watch"), coreGroup, "nodes"),
			allow(do("patch", "update"), coreGroup, "nodes/status"),
			allow(do("delete", "get", "list", "watch"), coreGroup, "pods"),
			allow(do("patch", "update"), coreGroup, "pods/status"),
			allow(do("list", "watch"), coordinationGroup, "leases"),
		)},
		{"pod-garbage-collector", []rbacv1.PolicyRule{
			allow(do("delete", "list", "watch"), coreGroup, "pods"),
			allow(do("get", "list"), coreGroup, "nodes"),
			allow(do("patch"), coreGroup, "pods/status"),
		}},
		{"replicaset-controller", with(
			allow(do("get", "list", "update", "watch"), appsGroup, "replicasets"),
			allow(do("update"), appsGroup, "replicasets/finalizers", "replicasets/status"),
			allow(do("create", "delete", "list", "patch", "watch"), coreGroup, "pods"),
		)},
		{"replication-controller", with(
			allow(do("get", "list", "update", "watch"), coreGroup, "replicationcontrollers"),
			allow(do("update"), coreGroup, "replicationcontrollers/finalizers", "replicationcontrollers/status"),
			allow(do("create", "delete", "list", "patch", "watch"), coreGroup, "pods"),
		)},
		{"taint-eviction-controller", with(
			allow(do("get", "list", "watch"), coreGroup, "nodes"),
			allow(do("delete", "get", "list", "watch"), coreGroup, "pods"),
			allow(do("patch"), coreGroup, "pods/status"),
		)},
		{"ttl-after-finished-controller", with(
			allow(do("delete", "get", "list", "watch"), batchGroup, "jobs"),
		)},
	}
}

// schedulerRole has the name of the user that schedulers are.
const schedulerRole = "system:kube-scheduler"

// controllerRoles is the roles of controllers and of the scheduler.
func controllerRoles() []rbacv1.ClusterRole {
	roles := []rbacv1.ClusterRole{clusterRole(schedulerRole, append(eventRules(),
		allow(do("create"), coordinationGroup, "leases"),
		named(allow(do("get", "update"), coordinationGroup, "leases"), "kube-scheduler"),
		allow(reading, coreGroup, "nodes"),
		allow(do("delete", "get", "list", "watch"), coreGroup, "pods"),
		allow(do("create"), coreGroup, "bindings", "pods/binding"),
		allow(do("patch", "update"), coreGroup, "pods/status"),
		allow(reading, coreGroup, "namespaces", "replicationcontrollers", "services"),
		allow(reading, appsGroup, "replicasets"),
	)...)}
	for _, c := range workloadControllers() {
		roles = append(roles, clusterRole(controllerPrefix+c.name, c.rules...))
	}
	return roles
}

// controllerBindings gives each controller's account its role.
func controllerBindings() []rbacv1.ClusterRoleBinding {
	bindings := []rbacv1.ClusterRoleBinding{bind(schedulerRole, schedulerRole, user(schedulerRole))}
	for _, c := range workloadControllers() {
		bindings = append(bindings, bind(controllerPrefix+c.name, controllerPrefix+c.name, account(metav1.NamespaceSystem, c.name)))
	}
	return bindings
}
