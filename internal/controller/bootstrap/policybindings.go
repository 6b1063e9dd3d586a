package bootstrap

import (
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	groupMasters         = "system:masters"
	groupAuthenticated   = "system:authenticated"
	groupUnauthenticated = "system:unauthenticated"
	groupNodes           = "system:nodes"
	groupBootstrappers   = "system:bootstrappers"
	groupAccounts        = "system:serviceaccounts"
	groupMonitoring      = "system:monitoring"
	userProxy            = "system:kube-proxy"
)

// clusterRoleBindings is all default cluster role bindings. As in Kubernetes
// most have the name of the role that they give; those of joining nodes, which
// Kubernetes leaves to kubeadm, have names of ours.
func clusterRoleBindings() []rbacv1.ClusterRoleBinding {
	return append(controllerBindings(), []rbacv1.ClusterRoleBinding{
		bind("cluster-admin", "cluster-admin", group(groupMasters)),
		bind("system:discovery", "system:discovery", group(groupAuthenticated)),
		bind("system:basic-user", "system:basic-user", group(groupAuthenticated)),
		bind("system:public-info-viewer", "system:public-info-viewer", group(groupAuthenticated), group(groupUnauthenticated)),
		bind("system:service-account-issuer-discovery", "system:service-account-issuer-discovery", group(groupAccounts)),
		bind("system:monitoring", "system:monitoring", group(groupMonitoring)),
		bind(nodeProxier, nodeProxier, user(userProxy)),
		bind("system:kube-dns", "system:kube-dns", account(metav1.NamespaceSystem, "kube-dns")),
		bind("system:node", "system:node"),
		bind("causeway:node-bootstrapper", nodeBootstrapper, group(groupBootstrappers)),
		bind("causeway:node-autoapprove-bootstrap", csrNodeClient, group(groupBootstrappers)),
		bind("causeway:node-autoapprove-certificate-rotation", csrSelfNode, group(groupNodes)),
		// The agent is the node's service proxy, sets its routes, and serves DNS.
		bind("causeway:node-proxier", nodeProxier, group(groupNodes)),
		bind(nodeDNS, nodeDNS, group(groupNodes)),
	}...)
}

// roleBindings is the default bindings inside namespaces.
func roleBindings() []rbacv1.RoleBinding {
	return []rbacv1.RoleBinding{{
		ObjectMeta: metav1.ObjectMeta{Name: clusterInfoReader, Namespace: metav1.NamespacePublic},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: clusterInfoReader},
		Subjects:   []rbacv1.Subject{group(groupAuthenticated), group(groupUnauthenticated)},
	}, {
		ObjectMeta: metav1.ObjectMeta{Name: nodeSettingsReader, Namespace: metav1.NamespaceSystem},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: nodeSettingsReader},
		Subjects:   []rbacv1.Subject{group(groupNodes)},
	}}
}

func bind(name, role string, subjects ...rbacv1.Subject) rbacv1.ClusterRoleBinding {
	return rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role},
		Subjects:   subjects,
	}
}

func group(name string) rbacv1.Subject {
	return rbacv1.Subject{APIGroup: rbacv1.GroupName, Kind: rbacv1.GroupKind, Name: name}
}

func user(name string) rbacv1.Subject {
	return rbacv1.Subject{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: name}
}

func account(namespace, name string) rbacv1.Subject {
	return rbacv1.Subject{Kind: rbacv1.ServiceAccountKind, Namespace: namespace, Name: name}
}
