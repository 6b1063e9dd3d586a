package printers

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// Labels that name a node's role: one per role, and the older single one.
const (
	rolePrefix = "node-role.kubernetes.io/"
	roleLabel  = "kubernetes.io/role"
)

// nodes shows which nodes can run pods, and what they are.
func nodes() view {
	return viewOf(columns(
		nameColumn(),
		text("Status", "The status of the node"),
		text("Roles", "The roles of the node"),
		ageColumn(),
		text("Version", corev1.NodeSystemInfo{}.SwaggerDoc()["kubeletVersion"]),
		wide(text("Internal-IP", corev1.NodeStatus{}.SwaggerDoc()["addresses"])),
		wide(text("External-IP", corev1.NodeStatus{}.SwaggerDoc()["addresses"])),
		wide(text("OS-Image", corev1.NodeSystemInfo{}.SwaggerDoc()["osImage"])),
		wide(text("Kernel-Version", corev1.NodeSystemInfo{}.SwaggerDoc()["kernelVersion"])),
		wide(text("Container-Runtime", corev1.NodeSystemInfo{}.SwaggerDoc()["containerRuntimeVersion"])),
	), func(n *corev1.Node) []any {
		info := n.Status.NodeInfo
		return []any{
			n.Name, nodeStatus(n), or(strings.Join(nodeRoles(n), ","), none), age(n.CreationTimestamp),
			info.KubeletVersion,
			nodeAddress(n, corev1.NodeInternalIP), nodeAddress(n, corev1.NodeExternalIP),
			or(info.OSImage, unknown), or(info.KernelVersion, unknown), or(info.ContainerRuntimeVersion, unknown),
		}
	})
}

func nodeStatus(n *corev1.Node) string {
	status := "Unknown"
	for _, c := range n.Status.Conditions {
		switch {
		case c.Type != corev1.NodeReady:
		case c.Status == corev1.ConditionTrue:
			status = "Ready"
		default:
			status = "NotReady"
		}
	}
	if n.Spec.Unschedulable {
		status += ",SchedulingDisabled"
	}
	return status
}

func nodeRoles(n *corev1.Node) []string {
	var roles []string
	for key, value := range n.Labels {
		if role, ok := strings.CutPrefix(key, rolePrefix); ok && role != "" {
			roles = append(roles, role)
		}
		if key == roleLabel && value != "" {
			roles = append(roles, value)
		}
	}
	return sortedUnique(roles)
}

func nodeAddress(n *corev1.Node, kind corev1.NodeAddressType) string {
	i := slices.IndexFunc(n.Status.Addresses, func(a corev1.NodeAddress) bool { return a.Type == kind })
	if i < 0 {
		return none
	}
	return n.Status.Addresses[i].Address
}
