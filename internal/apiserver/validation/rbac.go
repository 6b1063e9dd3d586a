package validation

import (
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

func role(r *rbacv1.Role) field.ErrorList {
	return append(metadata(&r.ObjectMeta, namespaced, segmentName), policyRules(r.Rules, namespaced)...)
}

func roleUpdate(r, old *rbacv1.Role) field.ErrorList {
	return append(role(r), metadataUpdate(&r.ObjectMeta, &old.ObjectMeta)...)
}

func clusterRole(r *rbacv1.ClusterRole) field.ErrorList {
	errs := metadata(&r.ObjectMeta, clusterScoped, segmentName)
	errs = append(errs, policyRules(r.Rules, clusterScoped)...)
	if r.AggregationRule == nil {
		return errs
	}
	p := field.NewPath("aggregationRule", "clusterRoleSelectors")
	if len(r.AggregationRule.ClusterRoleSelectors) == 0 {
		errs = append(errs, field.Required(p, "at least one clusterRoleSelector required if aggregationRule is non-nil"))
	}
	for i := range r.AggregationRule.ClusterRoleSelectors {
		s := &r.AggregationRule.ClusterRoleSelectors[i]
		errs = append(errs, selector(p.Index(i), s)...)
		if _, err := metav1.LabelSelectorAsSelector(s); err != nil {
			errs = append(errs, field.Invalid(p.Index(i), s, "invalid label selector."))
		}
	}
	return errs
}

func clusterRoleUpdate(r, old *rbacv1.ClusterRole) field.ErrorList {
	return append(clusterRole(r), metadataUpdate(&r.ObjectMeta, &old.ObjectMeta)...)
}

func policyRules(list []rbacv1.PolicyRule, inNamespace bool) field.ErrorList {
	var errs field.ErrorList
	for i := range list {
		errs = append(errs, policyRule(field.NewPath("rules").Index(i), &list[i], inNamespace)...)
	}
	return errs
}

// policyRule is about resources or about other paths, never about both.
func policyRule(p *field.Path, r *rbacv1.PolicyRule, inNamespace bool) field.ErrorList {
	var errs field.ErrorList
	if len(r.Verbs) == 0 {
		errs = append(errs, field.Required(p.Child("verbs"), "verbs must contain at least one value"))
	}
	if len(r.NonResourceURLs) > 0 {
		urls := p.Child("nonResourceURLs")
		if inNamespace {
			errs = append(errs, field.Invalid(urls, r.NonResourceURLs, "namespaced rules cannot apply to non-resource URLs"))
		}
		if len(r.APIGroups) > 0 || len(r.Resources) > 0 || len(r.ResourceNames) > 0 {
			errs = append(errs, field.Invalid(urls, r.NonResourceURLs, "rules cannot apply to both regular resources and non-resource URLs"))
		}
		return errs
	}
	if len(r.APIGroups) == 0 {
		errs = append(errs, field.Required(p.Child("apiGroups"), "resource rules must supply at least one api group"))
	}
	if len(r.Resources) == 0 {
		errs = append(errs, field.Required(p.Child("resources"), "resource rules must supply at least one resource"))
	}
	return errs
}
