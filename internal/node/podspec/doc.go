// Package podspec says how a pod of the API is to be run: pure functions from
// a pod, and from what its node has found for it, to what a runtime is told.
//
// It is part of the node's agent, on floor 2. It reads nothing and changes
// nothing. Errors are in the words that users know from a container's status:
// they become the message of CreateContainerConfigError.
package podspec

import (
	"fmt"
	"net/netip"

	corev1 "k8s.io/api/core/v1"

	"github.com/causeway-access/causeway/internal/podrun"
)

// Node is what pods are told of the machine and of the cluster.
type Node struct {
	// Name is that of the Node object, IPs are its addresses.
	Name string
	IPs  []netip.Addr
	// Allocatable is what a container without a limit is said to have.
	Allocatable corev1.ResourceList
	// OwnDNS is what the node itself asks, now; nil, or no server, means: what the
	// runtime finds.
	OwnDNS func() podrun.DNS
	// ClusterDNS are the servers of the cluster's names, which end in
	// ClusterDomain; cluster.local if empty.
	ClusterDNS    []netip.Addr
	ClusterDomain string
	// MaxProcesses is how many processes and threads a pod may have; no limit
	// if zero.
	MaxProcesses int64
}

// Describe names a pod as messages about its containers do.
func Describe(pod *corev1.Pod) string {
	return fmt.Sprintf("%s_%s(%s)", pod.Name, pod.Namespace, pod.UID)
}
