package validation

import (
	"fmt"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	metav1validation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// checkPlacement checks what a scheduler reads.
func (s podScope) checkPlacement(p *field.Path) field.ErrorList {
	errs := labelMap(p.Child("nodeSelector"), s.spec.NodeSelector)
	errs = append(errs, checkAffinity(s.spec.Affinity, p.Child("affinity"))...)
	errs = append(errs, checkTolerations(s.spec.Tolerations, p.Child("tolerations"))...)
	errs = append(errs, checkSpread(s.spec.TopologySpreadConstraints, p.Child("topologySpreadConstraints"))...)
	seen := map[string]bool{}
	for i, gate := range s.spec.SchedulingGates {
		at := p.Child("schedulingGates").Index(i)
		errs = append(errs, unique(at, gate.Name, seen)...)
		errs = append(errs, qualified(at, gate.Name)...)
	}
	return errs
}

// checkTolerations checks which taints of nodes the pod does not mind.
func checkTolerations(tolerations []corev1.Toleration, p *field.Path) field.ErrorList {
	var errs field.ErrorList
	for i := range tolerations {
		t, at := &tolerations[i], p.Index(i)
		if t.Key != "" {
			errs = append(errs, metav1validation.ValidateLabelName(t.Key, at.Child("key"))...)
		} else if t.Operator != corev1.TolerationOpExists {
			errs = append(errs, field.Invalid(at.Child("operator"), t.Operator,
				"operator must be Exists when `key` is empty, which means \"match all values and all keys\""))
		}
		if t.TolerationSeconds != nil && t.Effect != corev1.TaintEffectNoExecute {
			errs = append(errs, field.Invalid(at.Child("effect"), t.Effect, "effect must be 'NoExecute' when `tolerationSeconds` is set"))
		}
		errs = append(errs, checkTolerationValue(t, at)...)
		if t.Effect != "" {
			errs = append(errs, oneOf(at.Child("effect"), t.Effect,
				corev1.TaintEffectNoSchedule, corev1.TaintEffectPreferNoSchedule, corev1.TaintEffectNoExecute)...)
		}
	}
	return errs
}

func checkTolerationValue(t *corev1.Toleration, p *field.Path) field.ErrorList {
	switch t.Operator {
	case corev1.TolerationOpEqual, "":
		return invalidIf(p.Child("operator"), t.Value, validation.IsValidLabelValue(t.Value))
	case corev1.TolerationOpExists:
		if t.Value != "" {
			return field.ErrorList{field.Invalid(p.Child("operator"), t, "value must be empty when `operator` is 'Exists'")}
		}
		return nil
	case corev1.TolerationOpLt, corev1.TolerationOpGt: // KEP-5471
		if _, err := strconv.ParseInt(t.Value, 10, 64); err != nil {
			return field.ErrorList{field.Invalid(p.Child("value"), t.Value, "value must be a valid integer when `operator` is 'Lt' or 'Gt'")}
		}
		return nil
	}
	return oneOf(p.Child("operator"), t.Operator,
		corev1.TolerationOpEqual, corev1.TolerationOpExists, corev1.TolerationOpLt, corev1.TolerationOpGt)
}

// checkSpread checks how evenly pods are spread over parts of the cluster.
func checkSpread(constraints []corev1.TopologySpreadConstraint, p *field.Path) field.ErrorList {
	var errs field.ErrorList
	seen := map[string]bool{}
	for i := range constraints {
		c, at := &constraints[i], p.Index(i)
		if c.MaxSkew <= 0 {
			errs = append(errs, field.Invalid(at.Child("maxSkew"), c.MaxSkew, "must be greater than zero"))
		}
		errs = append(errs, checkTopologyKey(c.TopologyKey, at.Child("topologyKey"))...)
		errs = append(errs, oneOf(at.Child("whenUnsatisfiable"), c.WhenUnsatisfiable, corev1.DoNotSchedule, corev1.ScheduleAnyway)...)
		key := fmt.Sprintf("{%v, %v}", c.TopologyKey, c.WhenUnsatisfiable)
		errs = append(errs, unique(at.Child("{topologyKey, whenUnsatisfiable}"), key, seen)...)
		errs = append(errs, checkMinDomains(c, at.Child("minDomains"))...)
		errs = append(errs, oneOfIfSet(at.Child("nodeAffinityPolicy"), c.NodeAffinityPolicy, corev1.NodeInclusionPolicyIgnore, corev1.NodeInclusionPolicyHonor)...)
		errs = append(errs, oneOfIfSet(at.Child("nodeTaintsPolicy"), c.NodeTaintsPolicy, corev1.NodeInclusionPolicyIgnore, corev1.NodeInclusionPolicyHonor)...)
		errs = append(errs, selector(at.Child("labelSelector"), c.LabelSelector)...)
		errs = append(errs, checkLabelKeys(c.MatchLabelKeys, c.LabelSelector, at.Child("matchLabelKeys"))...)
	}
	return errs
}

func checkMinDomains(c *corev1.TopologySpreadConstraint, p *field.Path) field.ErrorList {
	if c.MinDomains == nil {
		return nil
	}
	var errs field.ErrorList
	if *c.MinDomains <= 0 {
		errs = append(errs, field.Invalid(p, *c.MinDomains, "must be greater than zero"))
	}
	if c.WhenUnsatisfiable == corev1.ScheduleAnyway {
		errs = append(errs, field.Invalid(p, *c.MinDomains, "can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ScheduleAnyway"))
	}
	return errs
}

// checkTopologyKey requires the label of nodes that tells where they stand.
func checkTopologyKey(key string, p *field.Path) field.ErrorList {
	if key == "" {
		return field.ErrorList{field.Required(p, "can not be empty")}
	}
	return metav1validation.ValidateLabelName(key, p)
}

// checkLabelKeys checks labels whose values are taken from the pod itself and
// joined to a selector, which must not speak of them already.
func checkLabelKeys(keys []string, s *metav1.LabelSelector, p *field.Path) field.ErrorList {
	if len(keys) == 0 {
		return nil
	}
	if s == nil {
		return field.ErrorList{field.Forbidden(p, "must not be specified when labelSelector is not set")}
	}
	selected := map[string]bool{}
	for key := range s.MatchLabels {
		selected[key] = true
	}
	for _, expression := range s.MatchExpressions {
		selected[expression.Key] = true
	}
	var errs field.ErrorList
	for i, key := range keys {
		errs = append(errs, metav1validation.ValidateLabelName(key, p.Index(i))...)
		if selected[key] {
			errs = append(errs, field.Invalid(p.Index(i), key, "exists in both matchLabelKeys and labelSelector"))
		}
	}
	return errs
}
