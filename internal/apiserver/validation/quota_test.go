package validation_test

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/causeway-access/causeway/internal/apiserver/validation"
)

const teamQuota = `{apiVersion: v1, kind: ResourceQuota, metadata: {name: q, namespace: default},
spec: {hard: {pods: '10', requests.cpu: 500m, limits.memory: 1Gi, count/roles.rbac.authorization.k8s.io: '3', requests.example.org/gpu: '1'}, scopes: [NotTerminating]}}`

func TestResourceQuotaIsRefusedWhenCreated(t *testing.T) {
	hard := func(name corev1.ResourceName, amount string) func(*corev1.ResourceQuota) {
		return func(q *corev1.ResourceQuota) { q.Spec.Hard[name] = resource.MustParse(amount) }
	}
	scope := func(r corev1.ScopedResourceSelectorRequirement) func(*corev1.ResourceQuota) {
		return func(q *corev1.ResourceQuota) {
			q.Spec.ScopeSelector = &corev1.ScopeSelector{MatchExpressions: []corev1.ScopedResourceSelectorRequirement{r}}
		}
	}
	const at = " spec.scopeSelector.matchExpressions[0]."
	creations(t, core("resourcequotas"), teamQuota, []change[*corev1.ResourceQuota]{
		{"an unknown resource", hard("coffee", "1"), []string{invalid + " spec.hard[coffee]"}},
		{"a bad resource", hard("a b", "1"), []string{invalid + " spec.hard[a b]"}},
		{"less than nothing", hard("requests.cpu", "-1"), []string{invalid + " spec.hard[requests.cpu]"}},
		{"half a pod", hard("pods", "500m"), []string{invalid + " spec.hard[pods]"}},
		{"an unknown scope", func(q *corev1.ResourceQuota) { q.Spec.Scopes = []corev1.ResourceQuotaScope{"Far"} }, []string{invalid + " spec.scopes"}},
		{"scopes that exclude each other", func(q *corev1.ResourceQuota) {
			q.Spec.Scopes = append(q.Spec.Scopes, corev1.ResourceQuotaScopeTerminating)
		}, []string{invalid + " spec.scopes"}},
		{"a selector", scope(corev1.ScopedResourceSelectorRequirement{ScopeName: "PriorityClass", Operator: "In", Values: []string{"high"}}), nil},
		{"a selector of no values", scope(corev1.ScopedResourceSelectorRequirement{ScopeName: "PriorityClass", Operator: "In"}), []string{required + at + "values"}},
		{"a selector of an unknown operator", scope(corev1.ScopedResourceSelectorRequirement{ScopeName: "PriorityClass", Operator: "Near"}), []string{invalid + at + "operator"}},
		{"a selector of values where none are", scope(corev1.ScopedResourceSelectorRequirement{ScopeName: "Terminating", Operator: "In", Values: []string{"x"}}), []string{invalid + at + "operator"}},
	})
}

func TestResourceQuotaKeepsItsScopes(t *testing.T) {
	updates(t, validation.For(core("resourcequotas")).Update, stored[*corev1.ResourceQuota](t, teamQuota), []change[*corev1.ResourceQuota]{
		{"more pods", func(q *corev1.ResourceQuota) { q.Spec.Hard["pods"] = resource.MustParse("11") }, nil},
		{"no scopes", func(q *corev1.ResourceQuota) { q.Spec.Scopes = nil }, []string{invalid + " spec.scopes"}},
	})
}

func TestLimitRangeIsRefusedWhenCreated(t *testing.T) {
	const manifest = `{apiVersion: v1, kind: LimitRange, metadata: {name: l, namespace: default}, spec: {limits: [{type: Container,
min: {cpu: 100m}, defaultRequest: {cpu: 200m}, default: {cpu: 500m}, max: {cpu: '1'}, maxLimitRequestRatio: {cpu: '10'}}]}}`
	set := func(edit func(*corev1.LimitRangeItem)) func(*corev1.LimitRange) {
		return func(l *corev1.LimitRange) { edit(&l.Spec.Limits[0]) }
	}
	cpu := func(amount string) corev1.ResourceList {
		return corev1.ResourceList{"cpu": resource.MustParse(amount)}
	}
	const at = " spec.limits[0]."
	creations(t, core("limitranges"), manifest, []change[*corev1.LimitRange]{
		{"a type twice", func(l *corev1.LimitRange) { l.Spec.Limits = append(l.Spec.Limits, l.Spec.Limits[0]) }, []string{duplicate + " spec.limits[1].type"}},
		{"no type", set(func(i *corev1.LimitRangeItem) { i.Type = "" }), []string{invalid + at + "type"}},
		{"defaults of pods", set(func(i *corev1.LimitRangeItem) { i.Type = corev1.LimitTypePod }), []string{forbidden + at + "default", forbidden + at + "defaultRequest"}},
		{"claims without storage", set(func(i *corev1.LimitRangeItem) { i.Type = corev1.LimitTypePersistentVolumeClaim }), []string{required + at + "limits"}},
		{"least above most", set(func(i *corev1.LimitRangeItem) {
			*i = corev1.LimitRangeItem{Type: "Container", Min: cpu("2"), Max: cpu("1")}
		}), []string{invalid + at + "min[cpu]"}},
		{"request below least", set(func(i *corev1.LimitRangeItem) { i.DefaultRequest = cpu("50m") }), []string{invalid + at + "defaultRequest[cpu]"}},
		{"request above limit", set(func(i *corev1.LimitRangeItem) { i.DefaultRequest = cpu("600m") }), []string{invalid + at + "defaultRequest[cpu]"}},
		{"limit above most", set(func(i *corev1.LimitRangeItem) { i.Default = cpu("2") }), []string{invalid + at + "default[cpu]"}},
		{"ratio below one", set(func(i *corev1.LimitRangeItem) { i.MaxLimitRequestRatio = cpu("500m") }), []string{invalid + at + "maxLimitRequestRatio[cpu]"}},
		{"ratio that cannot be reached", set(func(i *corev1.LimitRangeItem) { i.MaxLimitRequestRatio = cpu("11") }), []string{invalid + at + "maxLimitRequestRatio[cpu]"}},
		{"less than nothing", set(func(i *corev1.LimitRangeItem) { *i = corev1.LimitRangeItem{Type: "Container", Max: cpu("-1")} }), []string{invalid + at + "max[cpu]"}},
	})
}
