package validation

import (
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

func limitRange(l *corev1.LimitRange) field.ErrorList {
	errs := metadata(&l.ObjectMeta, namespaced, subdomainName)
	seen := map[corev1.LimitType]bool{}
	for i := range l.Spec.Limits {
		p := field.NewPath("spec", "limits").Index(i)
		item := &l.Spec.Limits[i]
		errs = append(errs, invalidIf(p.Child("type"), item.Type, validation.IsQualifiedName(string(item.Type)))...)
		errs = append(errs, unique(p.Child("type"), item.Type, seen)...)
		errs = append(errs, limitItem(p, item)...)
	}
	return errs
}

func limitRangeUpdate(l, old *corev1.LimitRange) field.ErrorList {
	return append(metadataUpdate(&l.ObjectMeta, &old.ObjectMeta), limitRange(l)...)
}

// limitItem checks what one type of thing is limited to.
func limitItem(p *field.Path, item *corev1.LimitRangeItem) field.ErrorList {
	var errs field.ErrorList
	names := map[corev1.ResourceName]bool{}
	for part, list := range map[string]corev1.ResourceList{
		"max": item.Max, "min": item.Min, "default": item.Default,
		"defaultRequest": item.DefaultRequest, "maxLimitRequestRatio": item.MaxLimitRequestRatio,
	} {
		errs = append(errs, amounts(p.Child(part), list)...)
		for name := range list {
			names[name] = true
		}
	}
	switch item.Type {
	case corev1.LimitTypePod:
		if len(item.Default) > 0 {
			errs = append(errs, field.Forbidden(p.Child("default"), "may not be specified when `type` is 'Pod'"))
		}
		if len(item.DefaultRequest) > 0 {
			errs = append(errs, field.Forbidden(p.Child("defaultRequest"), "may not be specified when `type` is 'Pod'"))
		}
	case corev1.LimitTypePersistentVolumeClaim:
		_, least := item.Min[corev1.ResourceStorage]
		_, most := item.Max[corev1.ResourceStorage]
		if !least && !most {
			errs = append(errs, field.Required(p.Child("limits"), "either minimum or maximum storage value is required, but neither was provided"))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		errs = append(errs, limitOrder(p, item, name)...)
		errs = append(errs, limitRatio(p.Child("maxLimitRequestRatio").Key(string(name)), item, name)...)
	}
	return errs
}

// limitOrder requires min <= defaultRequest <= default <= max of one
// resource, as far as they are given.
func limitOrder(p *field.Path, item *corev1.LimitRangeItem, name corev1.ResourceName) field.ErrorList {
	type bound struct {
		field, called string
		list          corev1.ResourceList
	}
	steps := []bound{
		{"min", "min value", item.Min},
		{"defaultRequest", "default request value", item.DefaultRequest},
		{"default", "default value", item.Default},
		{"max", "max value", item.Max},
	}
	var errs field.ErrorList
	for i, low := range steps {
		for _, high := range steps[i+1:] {
			a, ok := low.list[name]
			b, ok2 := high.list[name]
			if !ok || !ok2 || a.Cmp(b) <= 0 {
				continue
			}
			at, above := low.field, high.called
			if low.field == "min" && high.field != "max" {
				at = high.field // the default is what has to change
			}
			if low.field == "defaultRequest" && high.field == "default" {
				above = "default limit value"
			}
			errs = append(errs, field.Invalid(p.Child(at).Key(string(name)), quantityOf(item, at, name),
				fmt.Sprintf("%s %s is greater than %s %s", low.called, a.String(), above, b.String())))
		}
	}
	return errs
}

func quantityOf(item *corev1.LimitRangeItem, part string, name corev1.ResourceName) string {
	list := map[string]corev1.ResourceList{"min": item.Min, "defaultRequest": item.DefaultRequest, "default": item.Default}[part]
	q := list[name]
	return q.String()
}

// limitRatio requires a ratio that limits and requests can have.
func limitRatio(p *field.Path, item *corev1.LimitRangeItem, name corev1.ResourceName) field.ErrorList {
	ratio, ok := item.MaxLimitRequestRatio[name]
	if !ok {
		return nil
	}
	if ratio.Cmp(*resource.NewQuantity(1, resource.DecimalSI)) < 0 {
		return field.ErrorList{field.Invalid(p, ratio.String(), fmt.Sprintf("ratio %s is less than 1", ratio.String()))}
	}
	least, hasMin := item.Min[name]
	most, hasMax := item.Max[name]
	if !hasMin || !hasMax || least.IsZero() {
		return nil
	}
	if limit := most.AsApproximateFloat64() / least.AsApproximateFloat64(); ratio.AsApproximateFloat64() > limit {
		return field.ErrorList{field.Invalid(p, ratio.String(), fmt.Sprintf("ratio %s is greater than max/min = %f", ratio.String(), limit))}
	}
	return nil
}
