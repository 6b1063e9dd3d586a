package validation

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

func resourceQuota(q *corev1.ResourceQuota) field.ErrorList {
	errs := metadata(&q.ObjectMeta, namespaced, subdomainName)
	spec := field.NewPath("spec")
	for name, quantity := range q.Spec.Hard {
		p := spec.Child("hard").Key(string(name))
		errs = append(errs, quotaResource(p, name)...)
		errs = append(errs, countable(p, name, quantity)...)
	}
	errs = append(errs, quotaScopes(spec.Child("scopes"), q.Spec.Scopes)...)
	if s := q.Spec.ScopeSelector; s != nil {
		errs = append(errs, scopeSelector(spec.Child("scopeSelector", "matchExpressions"), s.MatchExpressions)...)
	}
	return errs
}

func resourceQuotaUpdate(q, old *corev1.ResourceQuota) field.ErrorList {
	errs := append(metadataUpdate(&q.ObjectMeta, &old.ObjectMeta), resourceQuota(q)...)
	now, then := slices.Sorted(slices.Values(q.Spec.Scopes)), slices.Sorted(slices.Values(old.Spec.Scopes))
	if !slices.Equal(now, then) {
		errs = append(errs, field.Invalid(field.NewPath("spec", "scopes"), q.Spec.Scopes, "field is immutable"))
	}
	return errs
}

func resourceQuotaStatus(q, old *corev1.ResourceQuota) field.ErrorList {
	errs := metadataUpdate(&q.ObjectMeta, &old.ObjectMeta)
	for part, list := range map[string]corev1.ResourceList{"hard": q.Status.Hard, "used": q.Status.Used} {
		for name, quantity := range list {
			p := field.NewPath("status", part).Key(string(name))
			errs = append(errs, quotaResource(p, name)...)
			errs = append(errs, countable(p, name, quantity)...)
		}
	}
	return errs
}

// quotaResource requires a name that quotas know, or one with a domain.
func quotaResource(p *field.Path, name corev1.ResourceName) field.ErrorList {
	value := string(name)
	errs := invalidIf(p, value, validation.IsQualifiedName(value))
	if !strings.Contains(value, "/") && !slices.Contains(standardQuotaResources(), name) {
		errs = append(errs, field.Invalid(p, value, "must be a standard resource for quota"))
	}
	return errs
}

func standardQuotaResources() []corev1.ResourceName {
	return append(standardCounts(),
		corev1.ResourceCPU, corev1.ResourceMemory, corev1.ResourceEphemeralStorage,
		corev1.ResourceRequestsCPU, corev1.ResourceRequestsMemory, corev1.ResourceRequestsStorage, corev1.ResourceRequestsEphemeralStorage,
		corev1.ResourceLimitsCPU, corev1.ResourceLimitsMemory, corev1.ResourceLimitsEphemeralStorage,
	)
}

// standardCounts are the resources that are whole objects.
func standardCounts() []corev1.ResourceName {
	return []corev1.ResourceName{
		corev1.ResourcePods, corev1.ResourceQuotas, corev1.ResourceServices, corev1.ResourceReplicationControllers,
		corev1.ResourceSecrets, corev1.ResourcePersistentVolumeClaims, corev1.ResourceConfigMaps,
		corev1.ResourceServicesNodePorts, corev1.ResourceServicesLoadBalancers,
	}
}

// countable requires an amount, in whole numbers for what is counted.
func countable(p *field.Path, name corev1.ResourceName, q resource.Quantity) field.ErrorList {
	errs := amount(p, q)
	counted := slices.Contains(standardCounts(), name) || strings.HasPrefix(string(name), "count/")
	if counted && q.MilliValue()%1000 != 0 {
		errs = append(errs, field.Invalid(p, q.String(), "must be an integer"))
	}
	return errs
}

// amount requires a quantity that is not negative.
func amount(p *field.Path, q resource.Quantity) field.ErrorList {
	if q.Sign() < 0 {
		return field.ErrorList{field.Invalid(p, q.String(), "must be greater than or equal to 0")}
	}
	return nil
}

// amounts checks names and quantities of a list.
func amounts(p *field.Path, list corev1.ResourceList) field.ErrorList {
	var errs field.ErrorList
	for name, quantity := range list {
		p := p.Key(string(name))
		errs = append(errs, invalidIf(p, string(name), validation.IsQualifiedName(string(name)))...)
		errs = append(errs, amount(p, quantity)...)
	}
	return errs
}
