package validation

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	metav1validation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// checkAffinity checks which nodes, and the nodes of which other pods, a pod
// is drawn to or kept from.
func checkAffinity(a *corev1.Affinity, p *field.Path) field.ErrorList {
	if a == nil {
		return nil
	}
	var errs field.ErrorList
	if a.NodeAffinity != nil {
		errs = append(errs, checkNodeAffinity(a.NodeAffinity, p.Child("nodeAffinity"))...)
	}
	if pa := a.PodAffinity; pa != nil {
		errs = append(errs, checkPodAffinity(pa.RequiredDuringSchedulingIgnoredDuringExecution,
			pa.PreferredDuringSchedulingIgnoredDuringExecution, p.Child("podAffinity"))...)
	}
	if pa := a.PodAntiAffinity; pa != nil {
		errs = append(errs, checkPodAffinity(pa.RequiredDuringSchedulingIgnoredDuringExecution,
			pa.PreferredDuringSchedulingIgnoredDuringExecution, p.Child("podAntiAffinity"))...)
	}
	return errs
}

const (
	required  = "requiredDuringSchedulingIgnoredDuringExecution"
	preferred = "preferredDuringSchedulingIgnoredDuringExecution"
)

func checkNodeAffinity(a *corev1.NodeAffinity, p *field.Path) field.ErrorList {
	var errs field.ErrorList
	if r := a.RequiredDuringSchedulingIgnoredDuringExecution; r != nil {
		terms := p.Child(required, "nodeSelectorTerms")
		if len(r.NodeSelectorTerms) == 0 {
			errs = append(errs, field.Required(terms, "must have at least one node selector term"))
		}
		for i, term := range r.NodeSelectorTerms {
			errs = append(errs, checkNodeTerm(term, terms.Index(i))...)
		}
	}
	for i, term := range a.PreferredDuringSchedulingIgnoredDuringExecution {
		at := p.Child(preferred).Index(i)
		errs = append(errs, checkWeight(term.Weight, at)...)
		errs = append(errs, checkNodeTerm(term.Preference, at.Child("preference"))...)
	}
	return errs
}

func checkWeight(weight int32, p *field.Path) field.ErrorList {
	if weight < 1 || weight > 100 {
		return field.ErrorList{field.Invalid(p.Child("weight"), weight, "must be in the range 1-100")}
	}
	return nil
}

func checkNodeTerm(term corev1.NodeSelectorTerm, p *field.Path) field.ErrorList {
	var errs field.ErrorList
	for i, r := range term.MatchExpressions {
		errs = append(errs, checkNodeExpression(r, p.Child("matchExpressions").Index(i))...)
	}
	for i, r := range term.MatchFields {
		errs = append(errs, checkNodeField(r, p.Child("matchFields").Index(i))...)
	}
	return errs
}

func checkNodeExpression(r corev1.NodeSelectorRequirement, p *field.Path) field.ErrorList {
	var errs field.ErrorList
	values := p.Child("values")
	switch r.Operator {
	case corev1.NodeSelectorOpIn, corev1.NodeSelectorOpNotIn:
		if len(r.Values) == 0 {
			errs = append(errs, field.Required(values, "must be specified when `operator` is 'In' or 'NotIn'"))
		}
	case corev1.NodeSelectorOpExists, corev1.NodeSelectorOpDoesNotExist:
		if len(r.Values) > 0 {
			errs = append(errs, field.Forbidden(values, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"))
		}
	case corev1.NodeSelectorOpGt, corev1.NodeSelectorOpLt:
		if len(r.Values) != 1 {
			errs = append(errs, field.Required(values, "must be specified single value when `operator` is 'Lt' or 'Gt'"))
		}
	default:
		errs = append(errs, field.Invalid(p.Child("operator"), r.Operator, "not a valid selector operator"))
	}
	errs = append(errs, metav1validation.ValidateLabelName(r.Key, p.Child("key"))...)
	for i, value := range r.Values {
		errs = append(errs, invalidIf(values.Index(i), value, validation.IsValidLabelValue(value))...)
	}
	return errs
}

// checkNodeField checks a selector of fields of a node, of which there is
// one: its name.
func checkNodeField(r corev1.NodeSelectorRequirement, p *field.Path) field.ErrorList {
	var errs field.ErrorList
	switch r.Operator {
	case corev1.NodeSelectorOpIn, corev1.NodeSelectorOpNotIn:
		if len(r.Values) != 1 {
			errs = append(errs, field.Required(p.Child("values"), "must be only one value when `operator` is 'In' or 'NotIn' for node field selector"))
		}
	default:
		errs = append(errs, field.Invalid(p.Child("operator"), r.Operator, "not a valid selector operator"))
	}
	if r.Key != metav1.ObjectNameField {
		return append(errs, field.Invalid(p.Child("key"), r.Key, "not a valid field selector key"))
	}
	for i, value := range r.Values {
		errs = append(errs, invalidIf(p.Child("values").Index(i), value, whole(subdomainName)(value))...)
	}
	return errs
}

func checkPodAffinity(terms []corev1.PodAffinityTerm, weighted []corev1.WeightedPodAffinityTerm, p *field.Path) field.ErrorList {
	var errs field.ErrorList
	for i := range terms {
		errs = append(errs, checkPodTerm(&terms[i], p.Child(required).Index(i))...)
	}
	for i := range weighted {
		at := p.Child(preferred).Index(i)
		errs = append(errs, checkWeight(weighted[i].Weight, at)...)
		errs = append(errs, checkPodTerm(&weighted[i].PodAffinityTerm, at.Child("podAffinityTerm"))...)
	}
	return errs
}

func checkPodTerm(t *corev1.PodAffinityTerm, p *field.Path) field.ErrorList {
	errs := selector(p.Child("labelSelector"), t.LabelSelector)
	errs = append(errs, selector(p.Child("namespaceSelector"), t.NamespaceSelector)...)
	for i, name := range t.Namespaces {
		errs = append(errs, invalidIf(p.Child("namespaces").Index(i), name, validation.IsDNS1123Label(name))...)
	}
	errs = append(errs, checkLabelKeys(t.MatchLabelKeys, t.LabelSelector, p.Child("matchLabelKeys"))...)
	errs = append(errs, checkLabelKeys(t.MismatchLabelKeys, t.LabelSelector, p.Child("mismatchLabelKeys"))...)
	return append(errs, checkTopologyKey(t.TopologyKey, p.Child("topologyKey"))...)
}
