package validation_test

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/causeway-access/causeway/internal/apiserver/validation"
)

const oneNode = `{apiVersion: v1, kind: Node, metadata: {name: node-1.example.org},
spec: {podCIDR: 10.244.0.0/24, podCIDRs: [10.244.0.0/24], providerID: 'own://1', taints: [{key: example.org/a, value: b, effect: NoSchedule}]}}`

func TestNodeIsRefusedWhenCreated(t *testing.T) {
	creations(t, core("nodes"), oneNode, []change[*corev1.Node]{
		{"bad name", func(n *corev1.Node) { n.Name = "node_1" }, []string{invalid + " metadata.name"}},
		{"bad network", func(n *corev1.Node) { n.Spec.PodCIDRs = []string{"10.244.0.0"} }, []string{invalid + " spec.podCIDRs[0]"}},
		{"two networks of one family", func(n *corev1.Node) { n.Spec.PodCIDRs = append(n.Spec.PodCIDRs, "10.244.1.0/24") }, []string{invalid + " spec.podCIDRs"}},
		{"one network of each family", func(n *corev1.Node) { n.Spec.PodCIDRs = append(n.Spec.PodCIDRs, "fd00::/64") }, nil},
		{"taint without key", func(n *corev1.Node) { n.Spec.Taints[0].Key = "" }, []string{invalid + " spec.taints[0].key"}},
		{"taint with a bad value", func(n *corev1.Node) { n.Spec.Taints[0].Value = "a b" }, []string{invalid + " spec.taints[0].value"}},
		{"taint without effect", func(n *corev1.Node) { n.Spec.Taints[0].Effect = "" }, []string{required + " spec.taints[0].effect"}},
		{"taint with an unknown effect", func(n *corev1.Node) { n.Spec.Taints[0].Effect = "No" }, []string{unsupported + " spec.taints[0].effect"}},
		{"taint twice", func(n *corev1.Node) {
			n.Spec.Taints = append(n.Spec.Taints, corev1.Taint{Key: "example.org/a", Effect: "NoSchedule"})
		}, []string{duplicate + " spec.taints[1]"}},
		{"taint with two effects", func(n *corev1.Node) {
			n.Spec.Taints = append(n.Spec.Taints, corev1.Taint{Key: "example.org/a", Effect: "NoExecute"})
		}, nil},
	})
}

func TestNodeKeepsItsPlace(t *testing.T) {
	old := stored[*corev1.Node](t, oneNode)
	updates(t, validation.For(core("nodes")).Update, old, []change[*corev1.Node]{
		{"labels, taints, cordon", func(n *corev1.Node) {
			n.Labels, n.Spec.Taints, n.Spec.Unschedulable = map[string]string{"a": "b"}, nil, true
		}, nil},
		{"another network", func(n *corev1.Node) { n.Spec.PodCIDRs = []string{"10.244.1.0/24"} }, []string{forbidden + " spec.podCIDRs"}},
		{"no network", func(n *corev1.Node) { n.Spec.PodCIDRs = nil }, []string{forbidden + " spec.podCIDRs"}},
		{"another provider's name", func(n *corev1.Node) { n.Spec.ProviderID = "own://2" }, []string{forbidden + " spec.providerID"}},
	})
	fresh := old.DeepCopy()
	fresh.Spec.PodCIDRs, fresh.Spec.ProviderID = nil, ""
	updates(t, validation.For(core("nodes")).Update, fresh, []change[*corev1.Node]{
		{"first network and name", func(n *corev1.Node) { n.Spec.PodCIDRs, n.Spec.ProviderID = []string{"10.244.1.0/24"}, "own://1" }, nil},
	})
}

func TestNodeStatus(t *testing.T) {
	updates(t, validation.For(core("nodes")).Status, stored[*corev1.Node](t, oneNode), []change[*corev1.Node]{
		{"an address twice", func(n *corev1.Node) {
			a := corev1.NodeAddress{Type: corev1.NodeInternalIP, Address: "10.0.0.1"}
			n.Status.Addresses = []corev1.NodeAddress{a, a}
		}, []string{duplicate + " status.addresses[1]"}},
		{"an address of two types", func(n *corev1.Node) {
			n.Status.Addresses = []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: "10.0.0.1"}, {Type: corev1.NodeHostName, Address: "10.0.0.1"}}
		}, nil},
		{"less than nothing", func(n *corev1.Node) {
			n.Status.Capacity = corev1.ResourceList{"cpu": resource.MustParse("-1")}
		}, []string{invalid + " status.capacity[cpu]"}},
	})
}
