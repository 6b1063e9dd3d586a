package core

import (
	"maps"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/utils/ptr"
)

// SetDefaults_Secret makes a secret one of free form.
func SetDefaults_Secret(obj *corev1.Secret) {
	if obj.Type == "" {
		obj.Type = corev1.SecretTypeOpaque
	}
}

// SetDefaults_Namespace labels a namespace with its own name (KEP-2161), so
// that selectors can name it. A name still to be generated is labelled when
// it is known.
func SetDefaults_Namespace(obj *corev1.Namespace) {
	if obj.Name == "" {
		return
	}
	if obj.Labels == nil {
		obj.Labels = map[string]string{}
	}
	obj.Labels[corev1.LabelMetadataName] = obj.Name
}

// SetDefaults_NamespaceStatus makes a namespace active.
func SetDefaults_NamespaceStatus(obj *corev1.NamespaceStatus) {
	if obj.Phase == "" {
		obj.Phase = corev1.NamespaceActive
	}
}

// SetDefaults_NodeSpec keeps the node's ranges of pod addresses and their
// first, which was there before there could be several, alike.
func SetDefaults_NodeSpec(obj *corev1.NodeSpec) {
	switch {
	case obj.PodCIDR == "" && len(obj.PodCIDRs) > 0:
		obj.PodCIDR = obj.PodCIDRs[0]
	case obj.PodCIDR != "" && (len(obj.PodCIDRs) == 0 || obj.PodCIDRs[0] != obj.PodCIDR):
		obj.PodCIDRs = []string{obj.PodCIDR}
	}
}

// SetDefaults_NodeStatus lets pods have all that a node has.
func SetDefaults_NodeStatus(obj *corev1.NodeStatus) {
	if obj.Allocatable == nil && obj.Capacity != nil {
		obj.Allocatable = obj.Capacity.DeepCopy()
	}
}

// SetDefaults_ReplicationController takes selector and labels from the
// template, and asks for one replica.
func SetDefaults_ReplicationController(obj *corev1.ReplicationController) {
	if obj.Spec.Template != nil && len(obj.Spec.Template.Labels) > 0 {
		labels := obj.Spec.Template.Labels
		if len(obj.Spec.Selector) == 0 {
			obj.Spec.Selector = maps.Clone(labels)
		}
		if len(obj.Labels) == 0 {
			obj.Labels = maps.Clone(labels)
		}
	}
	set(&obj.Spec.Replicas, 1)
}

// SetDefaults_LimitRangeItem derives for containers the default limit from
// the maximum and the default request from the limit, else from the minimum.
func SetDefaults_LimitRangeItem(obj *corev1.LimitRangeItem) {
	if obj.Type != corev1.LimitTypeContainer {
		return
	}
	setResources(&obj.Default, obj.Max)
	setResources(&obj.DefaultRequest, obj.Default)
	setResources(&obj.DefaultRequest, obj.Min)
}

// SetDefaults_ResourceList rounds quantities up to a thousandth, the
// smallest part that is accounted.
func SetDefaults_ResourceList(obj *corev1.ResourceList) {
	for name, quantity := range *obj {
		quantity.RoundUp(resource.Milli)
		(*obj)[name] = quantity
	}
}

// setResources copies those quantities of from that list lacks.
func setResources(list *corev1.ResourceList, from corev1.ResourceList) {
	for name, quantity := range from {
		if _, ok := (*list)[name]; ok {
			continue
		}
		if *list == nil {
			*list = corev1.ResourceList{}
		}
		(*list)[name] = quantity.DeepCopy()
	}
}

// set gives *field a value if it has none.
func set[T any](field **T, value T) {
	if *field == nil {
		*field = ptr.To(value)
	}
}
