package validation

import (
	"net/netip"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

func node(n *corev1.Node) field.ErrorList {
	errs := metadata(&n.ObjectMeta, clusterScoped, subdomainName)
	spec := field.NewPath("spec")
	errs = append(errs, taints(spec.Child("taints"), n.Spec.Taints)...)
	errs = append(errs, podCIDRs(spec.Child("podCIDRs"), n.Spec.PodCIDRs)...)
	errs = append(errs, nodeAddresses(field.NewPath("status", "addresses"), n.Status.Addresses)...)
	return append(errs, nodeResources(n)...)
}

func nodeUpdate(n, old *corev1.Node) field.ErrorList {
	errs := metadataUpdate(&n.ObjectMeta, &old.ObjectMeta)
	spec := field.NewPath("spec")
	errs = append(errs, taints(spec.Child("taints"), n.Spec.Taints)...)
	errs = append(errs, podCIDRs(spec.Child("podCIDRs"), n.Spec.PodCIDRs)...)
	if len(old.Spec.PodCIDRs) > 0 && !slices.Equal(old.Spec.PodCIDRs, n.Spec.PodCIDRs) {
		errs = append(errs, field.Forbidden(spec.Child("podCIDRs"), `node updates may not change podCIDR except from "" to valid`))
	}
	if old.Spec.ProviderID != "" && old.Spec.ProviderID != n.Spec.ProviderID {
		errs = append(errs, field.Forbidden(spec.Child("providerID"), `node updates may not change providerID except from "" to valid`))
	}
	if old.Spec.DoNotUseExternalID != n.Spec.DoNotUseExternalID ||
		!equality.Semantic.DeepEqual(old.Spec.ConfigSource, n.Spec.ConfigSource) {
		errs = append(errs, field.Forbidden(spec, "node updates may only change labels, taints, or capacity"))
	}
	return errs
}

func nodeStatus(n, old *corev1.Node) field.ErrorList {
	errs := metadataUpdate(&n.ObjectMeta, &old.ObjectMeta)
	errs = append(errs, nodeAddresses(field.NewPath("status", "addresses"), n.Status.Addresses)...)
	return append(errs, nodeResources(n)...)
}

// taints are told apart by key and effect.
func taints(p *field.Path, list []corev1.Taint) field.ErrorList {
	type identity struct {
		key    string
		effect corev1.TaintEffect
	}
	var errs field.ErrorList
	seen := map[identity]bool{}
	for i, t := range list {
		p := p.Index(i)
		errs = append(errs, invalidIf(p.Child("key"), t.Key, validation.IsQualifiedName(t.Key))...)
		errs = append(errs, invalidIf(p.Child("value"), t.Value, validation.IsValidLabelValue(t.Value))...)
		errs = append(errs, oneOf(p.Child("effect"), t.Effect,
			corev1.TaintEffectNoSchedule, corev1.TaintEffectPreferNoSchedule, corev1.TaintEffectNoExecute)...)
		if id := (identity{t.Key, t.Effect}); seen[id] {
			dup := field.Duplicate(p, t)
			dup.Detail = "taints must be unique by key and effect pair"
			errs = append(errs, dup)
		} else {
			seen[id] = true
		}
	}
	return errs
}

// podCIDRs are one network, or one of each family.
func podCIDRs(p *field.Path, list []string) field.ErrorList {
	var errs field.ErrorList
	families := map[bool]int{}
	for i, cidr := range list {
		errs = append(errs, validation.IsValidCIDR(p.Index(i), cidr)...)
		if prefix, err := netip.ParsePrefix(cidr); err == nil {
			families[prefix.Addr().Is4()]++
		}
	}
	if families[true] > 1 || families[false] > 1 {
		errs = append(errs, field.Invalid(p, list, "may specify no more than one CIDR for each IP family"))
	}
	return errs
}

func nodeAddresses(p *field.Path, list []corev1.NodeAddress) field.ErrorList {
	var errs field.ErrorList
	seen := map[corev1.NodeAddress]bool{}
	for i, a := range list {
		errs = append(errs, unique(p.Index(i), a, seen)...)
	}
	return errs
}

// nodeResources checks what a node says it has and offers.
func nodeResources(n *corev1.Node) field.ErrorList {
	status := field.NewPath("status")
	var errs field.ErrorList
	for name, list := range map[string]corev1.ResourceList{"capacity": n.Status.Capacity, "allocatable": n.Status.Allocatable} {
		errs = append(errs, amounts(status.Child(name), list)...)
	}
	return errs
}
